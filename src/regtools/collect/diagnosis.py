"""What a diagnosis found: its checks in order, and the one cause among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final

from regtools.schema import CheckRow, Status

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("stage", "status", "code", "ms", "summary", "evidence", "remedy")
_CELL: Final = "text-align:left;vertical-align:top"
# No colours of their own for text: a notebook may be light or dark.
_ROWS: Final = {"fail": "font-weight:600", "skipped": "opacity:.6"}
_MARKS: Final = {"ok": "✓", "warn": "!", "fail": "✗", "skipped": "·"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The stages of one walk to a registry, to an image in it, and to its layers."""

    target: str
    """As it was given."""
    checks: tuple[CheckRow, ...]
    repository: str = ""
    """The repository that was meant; empty: the registry itself."""
    taken_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def registry(self) -> str:
        """Give ``host[:port]``."""
        return self.checks[0].registry

    @property
    def root_cause(self) -> CheckRow | None:
        """The first failed stage: what comes after it follows from it. None: nothing failed."""
        return root_cause(self.checks)

    @property
    def status(self) -> Status:
        """The worst of all checks: ``ok``, ``warn`` or ``fail``."""
        found = {check.status for check in self.checks}
        return "fail" if "fail" in found else "warn" if "warn" in found else "ok"

    @property
    def frame(self) -> pd.DataFrame:
        """One row a stage: stage, status, code, ms (NaN: not measured), summary, evidence, remedy."""
        # The terminal and JSON do without, and pandas takes longer to load than a walk takes.
        import pandas as pd

        rows = [{name: getattr(check, name) for name in COLUMNS} for check in self.checks]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        return frame.astype({"ms": "float64"})

    def document(self) -> dict[str, Any]:
        """Give what ``--json`` prints, but for its version."""
        cause = self.root_cause
        return {
            "target": self.target,
            "status": self.status,
            "root_cause": None
            if cause is None
            else {name: getattr(cause, name) for name in ("stage", "code", "summary", "remedy")},
            "checks": [
                {
                    **{name: getattr(check, name) for name in COLUMNS},
                    "evidence": json.loads(check.evidence) if check.evidence else {},
                }
                for check in self.checks
            ],
        }

    def __repr__(self) -> str:
        cause = self.root_cause
        said = f"{cause.stage} {cause.code}" if cause else "nothing failed"
        return f"<Diagnosis of {self.target}: {self.status}, {said}>"

    def _repr_html_(self) -> str:
        """Show in a notebook what each stage gave, and the remedy under the one that failed."""
        cause = self.root_cause
        lines = []
        for check in self.checks:
            time = "" if check.ms is None else f"{check.ms:,.1f} ms"
            remedy = f"<br><em>{escape(check.remedy)}</em>" if check.remedy else ""
            cells = (_MARKS.get(check.status, ""), check.stage, time, check.code)
            told = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells)
            words = f'<td style="{_CELL}">{escape(check.summary)}{remedy}</td>'
            lines.append(f'<tr style="{_ROWS.get(check.status, "")}">{told}{words}</tr>')
        head = (
            f"<p><strong>{escape(cause.summary)}</strong> [{escape(cause.code)}]<br>"
            f"{escape(cause.remedy)}</p>"
            if cause
            else "<p>Nothing failed.</p>"
        )
        return f"{head}<table>{''.join(lines)}</table>"


def root_cause(checks: Sequence[CheckRow]) -> CheckRow | None:
    """Give the first failed stage: what comes after it follows from it. None: nothing failed."""
    return next((check for check in checks if check.status == "fail"), None)
