"""Diagnose from a notebook: a form to choose and run, and the newest look where nothing is asked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from regtools.access import Options
from regtools.analyses.observations import checks
from regtools.analyses.reach import opened
from regtools.collect.diagnosis import Diagnosis
from regtools.errors import HistoryError, RegtoolsError
from regtools.findings import Finding, Findings, diagnosis_findings
from regtools.lights import diagnosis_table
from regtools.markup import component_style, escape
from regtools.plots import picture, plot_diagnosis
from regtools.schema import CheckRow
from regtools.walk import diagnose

if TYPE_CHECKING:
    from regtools.history import History

STATIC: Final = (
    "Here is a form when this notebook is open in JupyterLab and was run there: choose a registry, "
    "run, read."
)
_BUSY: Final = '<p class="rt-empty">Looking …</p>'
_WIDE: Final = {"description_width": "7rem"}
_ROW: Final = {"width": "34rem", "max_width": "100%"}


class DiagnoseForm(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Fields for a registry and an image, a button, and below them the diagnosis.

    Made by `diagnose_form`. Credentials are found as the command line finds them: nothing secret is
    typed here, and nothing secret is shown.
    """

    found: Diagnosis | None = None
    """The diagnosis that is shown; None: none was made yet, or it could not be."""

    def __init__(
        self, walk: Callable[..., Diagnosis], registries: list[str], chosen: str = ""
    ) -> None:
        self._walk = walk
        self.registry = widgets.Combobox(
            options=registries,
            value=chosen or next(iter(registries), ""),
            description="Registry",
            placeholder="a name from regtools.toml, or host[:port]",
            style=_WIDE,
            layout=_ROW,
        )
        self.image = widgets.Text(
            description="Image",
            placeholder="team/app:1.4; empty: the registry itself",
            style=_WIDE,
            layout=_ROW,
        )
        self.platform = widgets.Text(
            description="Platform",
            placeholder="linux/arm64; empty: this machine's",
            style=_WIDE,
            layout=_ROW,
        )
        self.push = widgets.Checkbox(
            description="A push is to work", style=_WIDE, layout=_ROW, indent=True
        )
        self.run = widgets.Button(description="Diagnose", button_style="primary", icon="search")
        self.answer = widgets.HTML()
        self.run.on_click(self._run)
        super().__init__(
            [self.registry, self.image, self.platform, self.push, self.run, self.answer]
        )

    def _run(self, _: object) -> None:
        """Walk, and show what came of it; a second click waits until it is done."""
        self.run.disabled, self.answer.value, self.found = True, _BUSY, None
        place = "/".join(
            part.strip().strip("/") for part in (self.registry.value, self.image.value) if part
        )
        try:
            self.found = self._walk(
                place, platform=self.platform.value.strip() or None, push=self.push.value
            )
            self.answer.value = shown(self.found)
        except RegtoolsError as error:
            self.answer.value = _refused(error)
        finally:
            self.run.disabled = False

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        data: dict[str, Any] = super()._repr_mimebundle_(**options) or {}
        note = f'<p class="rt-empty">{escape(STATIC)}</p>'
        return {**data, "text/plain": STATIC, "text/html": note}


def diagnose_form(target: str = "", *, options: Options | None = None) -> DiagnoseForm:
    """Show a form that diagnoses, in a notebook.

    Parameters
    ----------
    target
        What stands in the field at first; left out: the first registry of ``regtools.toml``.
    options
        As in `diagnose`.

    Raises
    ------
    ConfigError
        The settings file cannot be used.
    """
    options = options or Options()

    def walk(image: str, **question: Any) -> Diagnosis:
        return diagnose(image, options=options, **question)

    return DiagnoseForm(walk, list(options.settings().registries), target)


def newest_diagnosis(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> Diagnosis:
    """Give the newest look at a registry that the history has, as if it had just been made.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry (left out: the one that most needs a hand); not after this time.

    Raises
    ------
    HistoryError
        The history cannot be read, or (code ``HISTORY_EMPTY``) no check is in it.
    """
    seen = checks(opened(history), registry=registry, at=at)
    if seen.empty:
        raise HistoryError(
            "No check is in this history yet.",
            code="HISTORY_EMPTY",
            remedy="Run `regtools scan` or `regtools diagnose` first.",
        )
    worst = (
        seen.assign(rank=seen["status"].map({"fail": 0, "warn": 1}).fillna(2))
        .sort_values("rank", kind="stable")["registry"]
        .iloc[0]
    )
    rows = seen[seen["registry"] == worst].to_dict("records")
    return Diagnosis(target=str(worst), checks=tuple(CheckRow(**_row(row)) for row in rows))


def shown(found: Diagnosis) -> str:
    """Give a diagnosis as markup: what to do, the waterfall, every stage."""
    drawn = picture(plot_diagnosis(found.frame))
    source = base64.b64encode(drawn.png).decode("ascii")
    return (
        f"{component_style()}{diagnosis_findings(found.frame).to_html()}"
        f'<img src="data:image/png;base64,{source}" width="{drawn.width}" '
        f'style="max-width:100%" alt="{escape(drawn.alt)}">'
        f"{diagnosis_table(found.frame).markup}"
    )


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    return {**row, "ms": None if row["ms"] != row["ms"] else row["ms"]}


def _refused(error: RegtoolsError) -> str:
    finding = Finding(
        severity="warning", code=error.code, summary=error.summary, remedy=error.remedy
    )
    return f"{component_style()}{Findings([finding]).to_html()}"
