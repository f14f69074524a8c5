"""Findings and key numbers: a box for people, the same as data for the report's sidecar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from regtools.markup import (
    FINDINGS_MIME,
    SEVERITIES,
    component_style,
    escape,
    severity_rank,
    tiles,
    value_text,
    visible,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence that a person can act on."""

    severity: str
    """``critical``, ``warning``, ``info`` or ``ok``."""
    code: str
    """Stable upper-case name of the kind of finding."""
    summary: str
    remedy: str = ""
    subject: str = ""
    """What it is about: a registry, a repository, a provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNumber:
    """A number worth a tile; the end of its name tells its unit (``_bytes``, ``_usd``)."""

    name: str
    value: float | None
    label: str
    note: str = ""

    def plain(self) -> float | int | None:
        """Give the value as JSON can hold it: None for unknown, integers as integers."""
        value = self.value
        if value is None or math.isnan(value):
            return None
        return int(value) if float(value).is_integer() else round(float(value), 4)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report found, worst first, and its key numbers."""

    findings: Sequence[Finding]
    key_numbers: Sequence[KeyNumber] = field(default=())
    registries: Sequence[Mapping[str, Any]] = field(default=())
    """What is known of each: ``registry``, and values named as key numbers are."""

    @property
    def status(self) -> str:
        """The worst severity of all findings."""
        present = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in present), "ok")

    def ordered(self) -> list[Finding]:
        """Give the findings, worst first, otherwise in the order they were found."""
        return sorted(self.findings, key=lambda finding: severity_rank(finding.severity))

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain data."""
        return {
            "status": self.status,
            "key_numbers": {number.name: number.plain() for number in self.key_numbers},
            "tiles": [
                {"label": number.label, "value": _shown(number), "note": number.note}
                for number in self.key_numbers
            ],
            "findings": [asdict(finding) for finding in self.ordered()],
            "registries": [dict(row) for row in self.registries],
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {
            "text/html": f"{component_style()}{self.to_html()}",
            "text/plain": repr(self),
            FINDINGS_MIME: self.to_dict(),
        }

    def to_html(self) -> str:
        """Give tiles and box as markup; a severity is a word, the colour repeats it."""
        numbers = {number.label: (_shown(number), number.note) for number in self.key_numbers}
        items = "".join(_item(finding) for finding in self.ordered())
        return (
            f'{tiles(numbers).markup}<section class="rt-findings" aria-label="Findings">'
            f"<h2>Findings</h2><ul>{items}</ul></section>"
        )

    def __repr__(self) -> str:
        lines = [
            visible(f"{SEVERITIES[finding.severity]}: {finding.summary} {finding.remedy}".rstrip())
            for finding in self.ordered()
        ]
        return "\n".join(lines)


def _shown(number: KeyNumber) -> str:
    return value_text(number.name, number.plain())


def _item(finding: Finding) -> str:
    remedy = f'<p class="rt-remedy">{escape(finding.remedy)}</p>' if finding.remedy else ""
    return (
        f'<li class="rt-finding rt-{finding.severity}">'
        f'<span class="rt-badge rt-{finding.severity}">{SEVERITIES[finding.severity]}</span>'
        f'<div><p class="rt-summary">{escape(finding.summary)}</p>{remedy}</div></li>'
    )
