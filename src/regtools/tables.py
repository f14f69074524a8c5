"""A frame as an escaped HTML table (`Styler` of pandas does not escape)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from regtools.markup import (
    BYTES,
    LONG_NAME,
    NOTHING,
    SEVERITIES,
    Html,
    breakable,
    escape,
    heading,
    severity_rank,
    value_text,
    visible,
)

_DIGEST_SHOWN: Final = 19  # "sha256:" and twelve signs, as the Docker command line shows them
_SHORT_DIGEST_PREFIXES: Final = ("sha256:", "sha512:")
_LONG_TEXT: Final = 30
_WEB: Final = ("https://", "http://")
_DAYS: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def is_missing(value: object) -> bool:
    """Say whether a cell is empty: None, NaN, NaT or NA.

    Examples
    --------
    >>> is_missing(float("nan")), is_missing(0)
    (True, False)
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return isinstance(value, float) and math.isnan(value)


def cell_text(column: str, value: object) -> str:
    """Format one cell of a frame by the unit that its column's name ends in.

    Examples
    --------
    >>> cell_text("physical_bytes", 1_500_000_000), cell_text("tags", 1234)
    ('1.50 GB', '1,234')
    >>> cell_text("monthly_usd", 12), cell_text("complete", True), cell_text("at", None)
    ('$12.00', 'yes', '–')
    """
    if is_missing(value):
        return NOTHING
    return value_text(column, value.item() if isinstance(value, np.generic) else value)


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by their `severity`, otherwise as they are."""
    return frame.sort_values(
        "severity", key=lambda column: column.map(severity_rank), kind="stable"
    )


def table(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    bar: str = "",
    limit: int | None = None,
    caption: str = "",
    empty: str = "Nothing to show.",
) -> Html:
    """Show a frame as an escaped HTML table.

    Parameters
    ----------
    frame
        Any frame; the unit of a column is told by the end of its name (``_bytes``, ``_usd``,
        ``_at``, ``share``).
    columns
        Which columns, in this order; a mapping also gives their headings. Columns that the
        frame has not are left out. `web_url` is no column of its own where there are tags or
        repositories: their names link to it.
    bar
        A column whose cells show their share of the column's largest value as a bar.
    limit
        At most this many rows; a line under the table says how many more there are.
    caption
        A title above the table.
    empty
        The sentence shown in place of a table without rows.

    Examples
    --------
    >>> frame = pd.DataFrame({"repository": ["<b>"], "physical_bytes": [1_000_000]})
    >>> "&lt;b&gt;" in table(frame).markup
    True
    """
    headings = _headings(frame, columns)
    linked = next((name for name in _LINKED if name in headings and _URL in frame.columns), "")
    if linked:
        headings.pop(_URL, None)
    if frame.empty:
        return Html(f'<p class="rt-empty">{escape(empty)}</p>', empty)
    shown = frame if limit is None else frame.head(limit)
    left_out = len(frame) - len(shown)
    head = "".join(
        f'<th scope="col"{_align(frame, name)}>{escape(words)}</th>'
        for name, words in headings.items()
    )
    largest = _largest(frame, bar)
    rows = "".join(
        _row(shown, row, headings, bar, largest, linked) for row in shown.to_dict("records")
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    more = f'<p class="rt-more">and {left_out:,} more</p>' if left_out else ""
    markup = (
        f'<div class="rt-scroll" tabindex="0"><table class="rt-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}"
    )
    return Html(markup, _plain(shown, headings))


def _headings(
    frame: pd.DataFrame, columns: Mapping[str, str] | Sequence[str] | None
) -> dict[str, str]:
    if columns is None:
        return {str(name): heading(str(name)) for name in frame.columns}
    words = columns if isinstance(columns, Mapping) else {name: heading(name) for name in columns}
    return {name: text for name, text in words.items() if name in frame.columns}


def _align(frame: pd.DataFrame, name: str) -> str:
    return ' class="rt-number"' if _is_number(frame, name) else ""


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    column = frame[name]
    if pd.api.types.is_bool_dtype(column):
        return False
    return bool(pd.api.types.is_numeric_dtype(column)) or name.endswith((*BYTES, "_usd"))


def _largest(frame: pd.DataFrame, bar: str) -> float:
    if bar not in frame.columns:
        return 0.0
    return float(pd.to_numeric(frame[bar], errors="coerce").max() or 0)


def _row(
    frame: pd.DataFrame,
    row: Mapping[Any, Any],
    headings: Mapping[str, str],
    bar: str,
    top: float,
    linked: str,
) -> str:
    cells = "".join(
        _cell(frame, name, row[name], bar, top, row[_URL] if name == linked else None)
        for name in headings
    )
    return f"<tr>{cells}</tr>"


def _cell(frame: pd.DataFrame, name: str, value: object, bar: str, top: float, url: object) -> str:
    text = cell_text(name, value)
    style = ""
    if name == bar and top > 0 and isinstance(value, (int, float)) and not is_missing(value):
        style = f' style="--share:{max(value, 0) / top:.1%}"'
    classes = " ".join(
        word
        for word, wanted in (
            ("rt-number", _is_number(frame, name)),
            ("rt-bar", bool(style)),
            ("rt-date", isinstance(value, date)),
            ("rt-command", name == "command"),
            ("rt-step", name == "step"),
            ("rt-name", len(text) > LONG_NAME and " " not in text.strip()),
            ("rt-text", len(text) > _LONG_TEXT and " " in text.strip()),
        )
        if wanted
    )
    attribute = f' class="{classes}"' if classes else ""
    content = _content(name, text)
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        content = f'<a href="{escape(url)}" rel="noopener noreferrer">{content}</a>'
    return f"<td{attribute}{style}>{content}</td>"


_URL: Final = "web_url"
_LINKED: Final = ("tag", "repository")
"""What has the web page that a row's `web_url` is, the narrower first."""
_ADDRESSES: Final = ("source", _URL)
"""What may be a link; an address in a name or a message was written by a stranger, and is text."""


def _content(name: str, text: str) -> str:
    if name == "severity" and text in SEVERITIES:
        return f'<span class="rt-badge rt-{text}">{SEVERITIES[text]}</span>'
    if name in _ADDRESSES and text.startswith(_WEB):
        url = text.split(" ", 1)[0].rstrip(",;.")
        return f"{_link(url)}{escape(text.removeprefix(url))}"
    if text.startswith(_SHORT_DIGEST_PREFIXES) and len(text) > _DIGEST_SHOWN:
        return f'<code title="{escape(text)}">{escape(text[:_DIGEST_SHOWN])}…</code>'
    if name == "command":
        return _command(text)
    return _sentence(text) if " " in text.strip() else breakable(text)


def _sentence(text: str) -> str:
    """Let a sentence break between its words, but not inside a day such as ``2026-11-03``."""
    return _DAYS.sub(r'<span class="rt-whole">\g<0></span>', escape(text))


def _command(line: str) -> str:
    """Let a command break between its words only, not at the hyphens of an option."""
    words = " ".join(f"<span>{escape(word)}</span>" for word in line.split())
    return f"<code>{words}</code>" if words else ""


def _link(url: str) -> str:
    shown = url.split("://", 1)[1].split("?", 1)[0].rstrip("/")
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{breakable(shown)}</a>'


def _plain(frame: pd.DataFrame, headings: Mapping[str, str]) -> str:
    text = pd.DataFrame(
        {
            words: [visible(cell_text(name, value)) for value in frame[name]]
            for name, words in headings.items()
        }
    )
    return text.to_string(index=False)
