"""Choose a rule with sliders in a notebook, and see what it would free. Deletes nothing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from regtools.analyses.reach import opened
from regtools.analyses.retention import retention
from regtools.cleanup import conditions, freed_by_repository
from regtools.errors import RegtoolsError
from regtools.findings import Finding, Findings, retention_findings
from regtools.markup import component_style, escape
from regtools.plots import picture, plot_freed, plot_retention_curve
from regtools.policies import Guard, Rule
from regtools.tables import table
from regtools.units import format_age

if TYPE_CHECKING:
    from regtools.analyses.retention import Retention
    from regtools.history import History
    from regtools.plots import Picture

ALL: Final = "all registries"
DEFAULT: Final = Rule(keep_last=10, older_than=timedelta(days=30))
MOST_KEPT: Final = 100
"""Where the slider of images to keep ends; `retention` itself takes any number."""
STATIC: Final = (
    "Here are sliders when this notebook is open in JupyterLab and was run there. "
    "What stands on this page is the answer to the parameters it was made with."
)
_BUSY: Final = '<p class="rt-empty">Counting …</p>'
_PATIENCE: Final = 0.25
"""Seconds without a change before an answer is counted."""
_TOP: Final = 10
_WIDE: Final = {"description_width": "9.5rem"}
_ROW: Final = {"width": "34rem", "max_width": "100%"}


class RetentionExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls for a rule, and below them what it would free; made by `explore_retention`.

    Each control answers when it is let go of, with the same `retention` that the command line
    and the reports call. Where nothing can be clicked (a page, GitHub) a sentence stands instead.
    """

    found: Retention | None
    """The answer that is shown; None: the rule could not be used."""

    def __init__(
        self, ask: Callable[..., Retention], controls: Mapping[str, widgets.ValueWidget]
    ) -> None:
        self._ask = ask
        self.controls = controls
        self.status = widgets.HTML()
        self.answer = widgets.HTML()
        self._waiting: asyncio.TimerHandle | None = None
        for control in controls.values():
            control.observe(self._changed, names="value")
        super().__init__([*controls.values(), self.status, self.answer])
        self._answer()

    def _changed(self, _: object) -> None:
        """Answer once no more changes come: those that queued up while one was answered, too."""
        self.status.value = _BUSY
        if self._waiting is not None:
            self._waiting.cancel()
        try:
            self._waiting = asyncio.get_running_loop().call_later(_PATIENCE, self._answer)
        except RuntimeError:  # no loop, no kernel: nothing queues up
            self._answer()

    def _answer(self) -> None:
        """Ask anew and show the answer, or why there is none."""
        chosen = {name: control.value for name, control in self.controls.items()}
        registry = chosen.pop("registry")
        try:
            rule = conditions(**chosen)["rule"]
            self.found = self._ask(rule=rule, registry=None if registry == ALL else registry)
            self.answer.value = _shown(self.found)
        except RegtoolsError as error:
            self.found = None
            self.answer.value = _refused(error)
        self.status.value = ""

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        data: dict[str, Any] = super()._repr_mimebundle_(**options) or {}
        note = f'<p class="rt-empty">{escape(STATIC)}</p>'
        return {**data, "text/plain": STATIC, "text/html": note}


def explore_retention(
    history: History | str | Path,
    rule: Rule | None = None,
    *,
    in_use: Guard | None = None,
    registry: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
) -> RetentionExplorer:
    """Show controls for a rule, and what it would free, in a notebook.

    Parameters
    ----------
    history
        The history, or where it is.
    rule
        Where the controls stand at first; left out: the 10 newest stay, and what is younger than
        30 days.
    in_use, at, now
        As in `retention`.
    registry
        Which registry is chosen at first; left out: all.

    Returns
    -------
    RetentionExplorer
        An ``ipywidgets.VBox``. A rule that cannot be used shows why.

    Raises
    ------
    HistoryError
        The history cannot be read.
    """
    store = opened(history)
    registries = sorted({row.registry for row in store.latest(at=at)})
    return RetentionExplorer(
        partial(retention, store, in_use=in_use, at=at, now=now),
        _controls(rule or DEFAULT, [ALL, *registries], registry or ALL),
    )


def _controls(
    rule: Rule, registries: Sequence[str], registry: str
) -> dict[str, widgets.ValueWidget]:
    keep_last = rule.keep_last or 0
    # A control speaks when it is let go of: what is dragged over would only pile up work.
    late = {"continuous_update": False, "style": _WIDE, "layout": _ROW}
    return {
        "registry": widgets.Dropdown(
            options=registries,
            value=registry,
            description="Registry",
            style=_WIDE,
            layout=_ROW,
        ),
        "keep_last": widgets.IntSlider(
            value=keep_last,
            min=0,
            max=max(MOST_KEPT, keep_last),
            description="Keep the newest",
            **late,
        ),
        "older_than": widgets.Text(
            value=format_age(rule.older_than) if rule.older_than is not None else "",
            description="Only older than",
            placeholder="30d, 12h, 8w; empty: of any age",
            **late,
        ),
        "keep_tag": widgets.Text(
            value="|".join(rule.keep_tags),
            description="Always keep tags",
            placeholder="regular expression, such as ^v[0-9]",
            **late,
        ),
        "delete_tag": widgets.Text(
            value="|".join(rule.delete_tags),
            description="Delete only tags",
            placeholder="regular expression, such as ^pr-",
            **late,
        ),
        "untagged": widgets.Checkbox(
            value=rule.untagged,
            description="Only what has no tag",
            style=_WIDE,
            layout=_ROW,
        ),
        "never_pulled": widgets.Checkbox(
            value=rule.never_pulled,
            description="Only what was never pulled",
            style=_WIDE,
            layout=_ROW,
        ),
    }


def _shown(found: Retention) -> str:
    repositories = table(
        freed_by_repository(found),
        bar="freed_bytes",
        limit=_TOP,
        empty="Nothing would go.",
    )
    return "".join(
        (
            component_style(),
            retention_findings(found).to_html(),
            _image(picture(plot_retention_curve(found))),
            _image(picture(plot_freed(found, top=_TOP))),
            repositories.markup,
        )
    )


def _image(drawn: Picture) -> str:
    source = base64.b64encode(drawn.png).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{source}" width="{drawn.width}" '
        f'style="max-width:100%" alt="{escape(drawn.alt)}">'
    )


def _refused(error: RegtoolsError) -> str:
    finding = Finding(
        severity="warning", code=error.code, summary=error.summary, remedy=error.remedy
    )
    return f"{component_style()}{Findings([finding]).to_html()}"
