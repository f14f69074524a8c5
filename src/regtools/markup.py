"""What a reader sees: foreign text as escaped HTML, values with their units, in plain Python.

Repository names, tags and messages come from a registry: foreign text. Whatever goes through
this module is escaped once, here, and nowhere else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from typing import Any, Final

from regtools.units import format_bytes, format_usd

FINDINGS_MIME: Final = "application/vnd.regtools.findings+json"
"""Under this type a cell's output carries its findings as data; a browser ignores it."""
PROVENANCE_MIME: Final = "application/vnd.regtools.provenance+json"
"""And under this one, which snapshots a report used."""
NOTHING: Final = "–"
LONG_NAME: Final = 16
BYTES: Final = ("bytes", "size")
_BREAKS: Final = re.compile(r"(?<=[/.:@_-])(?=\w)")
_WORDS: Final = {
    "advice": "What to do",
    "remedy": "What to do",
    "freed_bytes": "Frees if deleted",
    "taken_at": "Scanned",
    "dedup_scope": "Blobs stored once per",
    "monthly_usd": "A month",
    "found_in": "Found in",
    "total_freed_bytes": "With those above",
    "total_share": "Of all",
}
_TO_THE_MINUTE: Final = "taken_at"
_BYTES_PER_DAY: Final = "bytes_per_day"
SEVERITIES: Final = {"critical": "Critical", "warning": "Warning", "info": "Note", "ok": "Good"}
"""Severities of a finding, worst first, and the word that a reader sees."""

# Controls and directional overrides: they can reorder or hide what a name shows.
# unicode.org/reports/tr36, section 2.1
_INVISIBLE: Final = {
    **dict.fromkeys([*range(0x20), 0x7F, *range(0x80, 0xA0)], " "),
    **dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], ""),
}


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that a notebook shows, with a plain text beside it for everybody else."""

    markup: str
    text: str = ""

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text or "<Html>"


def components_css() -> str:
    """Give the style of the boxes, tiles and tables of this package.

    A report has it once in its head; the findings box brings it into a notebook.
    """
    return (resources.files("regtools") / "components.css").read_text(encoding="utf-8")


def component_style() -> str:
    """Give that style as an element, for what brings it into a notebook."""
    return f"<style>{components_css()}</style>"


def escape(text: object) -> str:
    """Escape foreign text for HTML; signs that reorder or hide text are taken out.

    Examples
    --------
    >>> escape("<b>&")
    '&lt;b&gt;&amp;'
    """
    return html.escape(visible(text), quote=True)


def visible(text: object) -> str:
    """Give the text without control signs and directional overrides.

    Examples
    --------
    >>> visible("a" + chr(0x202E) + "b" + chr(10))
    'ab '
    """
    return str(text).translate(_INVISIBLE)


def severity_rank(severity: str) -> int:
    """Give the place of a severity, 0 for the worst: what to sort by.

    Examples
    --------
    >>> sorted(["ok", "critical", "info"], key=severity_rank)
    ['critical', 'info', 'ok']
    """
    return list(SEVERITIES).index(severity)


def heading(column: str) -> str:
    """Turn a column's name into words.

    Examples
    --------
    >>> heading("physical_bytes"), heading("why_not"), heading("monthly_usd")
    ('Physical', 'Why not', 'A month')
    """
    if column in _WORDS:
        return _WORDS[column]
    words = column
    for unit in ("_bytes", "_usd", "_at"):
        words = words.removesuffix(unit)
    return words.replace("_", " ").strip().capitalize()


def value_text(column: str, value: object) -> str:
    """Format one plain value by the unit that its column's name ends in.

    Examples
    --------
    >>> value_text("physical_bytes", 1_500_000_000), value_text("tags", 1234)
    ('1.50 GB', '1,234')
    >>> value_text("monthly_usd", 12), value_text("complete", True), value_text("at", None)
    ('$12.00', 'yes', '–')
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime) and column == _TO_THE_MINUTE:
        return format_moment(value)
    if isinstance(value, (datetime, date)):
        return format_date(value)
    return _number_text(column, value)


def _number_text(column: str, value: Any) -> str:
    if column.endswith(_BYTES_PER_DAY):
        return f"{format_bytes(round(value))}/day"
    if column.endswith(BYTES):
        return format_bytes(round(value))
    if column.endswith("_usd"):
        return format_usd(Decimal(str(value)))
    if column.endswith("share"):
        return f"{value:.0%}"
    if not isinstance(value, (int, float, Decimal)):
        return str(value)
    number = float(value)
    return f"{int(number):,}" if number.is_integer() else f"{number:,.1f}"


def format_date(moment: date) -> str:
    """Give a date as ``3 Nov 2026``, the same in every locale.

    Examples
    --------
    >>> format_date(date(2026, 11, 3))
    '3 Nov 2026'
    """
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{moment.day} {months[moment.month - 1]} {moment.year}"


def format_moment(moment: datetime) -> str:
    """Give a time as ``3 Nov 2026, 10:20 UTC``.

    Examples
    --------
    >>> format_moment(datetime.fromisoformat("2026-11-03T12:20+02:00"))
    '3 Nov 2026, 10:20 UTC'
    """
    utc = moment.astimezone(UTC)
    return f"{format_date(utc)}, {utc:%H:%M} UTC"


def breakable(name: str) -> str:
    """Escape a name, and let a long one break where a reader would, after a slash or a dot.

    Examples
    --------
    >>> breakable("registry.example.com")
    'registry.<wbr>example.<wbr>com'
    """
    if len(name) <= LONG_NAME:
        return escape(name)
    return "<wbr>".join(escape(part) for part in _BREAKS.split(name))


def tiles(numbers: Mapping[str, tuple[str, str]]) -> Html:
    """Show key numbers as tiles: label → (number with its unit, what it means).

    Examples
    --------
    >>> tiles({"Stored": ("1.2 TB", "of 3 TB")})
    Stored: 1.2 TB (of 3 TB)
    """
    items = "".join(
        f'<div class="rt-tile"><dt>{escape(label)}</dt><dd><strong>{escape(number)}</strong>'
        f"<span>{escape(note)}</span></dd></div>"
        for label, (number, note) in numbers.items()
    )
    text = "\n".join(
        visible(f"{label}: {number}" + (f" ({note})" if note else ""))
        for label, (number, note) in numbers.items()
    )
    return Html(f'<dl class="rt-tiles">{items}</dl>' if items else "", text)
