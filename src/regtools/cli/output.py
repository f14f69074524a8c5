"""Data on stdout as a table, JSON or CSV; messages on stderr.

Names, tags and error texts come from strangers: nothing printed here may steer a terminal.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from regtools.errors import RegtoolsError
from regtools.schema import SCHEMA_VERSION
from regtools.units import format_bytes, format_usd

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
STATUS_STYLES: Final = {
    "ok": "green",
    "warn": "yellow",
    "warning": "yellow",
    "fail": "red",
    "critical": "red",
    "skipped": "dim",
    "info": "cyan",
}


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def console() -> Console:
    """Give the console for messages: stderr, as it is now."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Print one line for the person at the terminal, on stderr."""
    from rich.markup import escape

    console().print(escape(printable(message)))


def fail(error: RegtoolsError) -> None:
    """Print what went wrong and what to do about it."""
    from rich.markup import escape

    out = console()
    summary = escape(printable(error.summary))
    out.print(f"[red bold]error[/]: {summary} [dim]{escape(f'[{error.code}]')}[/]")
    if error.remedy:
        out.print(f"  → {escape(printable(error.remedy))}")
    if error.closer_look:
        out.print(f"  To look closer: {escape(printable(error.closer_look))}")


def printable(text: str) -> str:
    """Replace what a terminal would obey (escapes, other controls) by a visible mark."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def print_document(**content: Any) -> None:
    """Print one JSON document that carries the version of its shape."""
    document = {"schema_version": SCHEMA_VERSION, **content}
    json.dump(plain(document), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_rows(
    rows: Sequence[Row],
    fmt: Format,
    *,
    columns: Sequence[str],
    title: str = "",
    json_columns: Sequence[str] = (),
) -> None:
    """Print rows in the format asked for.

    Parameters
    ----------
    columns
        What the table shows; JSON and CSV hold `json_columns`, or all there is.
    title
        A heading above the table.
    """
    if fmt is Format.TABLE:
        _print_table(rows, columns=columns, title=title)
        return
    wanted = json_columns or (list(rows[0]) if rows else columns)
    chosen = [{name: row.get(name) for name in wanted} for row in rows]
    if fmt is Format.JSON:
        print_document(rows=chosen)
    else:
        _print_csv(chosen, wanted)


def records(frame: Any) -> list[dict[str, Any]]:
    """Turn a DataFrame into plain rows."""
    return [plain(row) for row in frame.to_dict("records")]


def several_registries(frame: Any) -> tuple[str, ...]:
    """Give the column that tells registries apart, where a table needs one."""
    return ("registry",) if frame["registry"].nunique() > 1 else ()


def plain(value: Any) -> Any:
    """Reduce a value to what JSON knows: times as ISO 8601 in UTC, missing as null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        # pandas' missing time is a datetime that equals nothing, not even itself.
        return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value == value else None
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value) if str(value) != "<NA>" else None


def _print_csv(rows: Iterable[Row], columns: Sequence[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(plain(row[name])) for name in columns])


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    # A spreadsheet runs a cell that starts like a formula; names and messages are foreign.
    return f"'{text}" if isinstance(value, str) and text[:1] in tuple("=+-@\t\r") else text


def _print_table(rows: Sequence[Row], *, columns: Sequence[str], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    out = Console(highlight=False)
    if not out.is_terminal:
        # A pipe or a file has no width: nothing may be cut.
        out = Console(highlight=False, width=10_000)
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in columns:
        numeric = _is_number(name)
        heading = name.removesuffix("_bytes").removesuffix("_usd").replace("_", " ")
        table.add_column(
            heading, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric
        )
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in columns))
    out.print(table)


_COUNTS: Final = frozenset(
    {
        "tags",
        "repositories",
        "manifests",
        "images",
        "layers",
        "copies",
        "blobs",
        "blobs_freed",
        "bytes",
        "files",
        "links_left",
        "manifests_removed",
        "requests",
        "seconds",
        "ms",
        "points",
        "days_observed",
        "days_until_full",
        "days_until",
        "soonest_days_until",
        "latest_days_until",
    }
)


def _is_number(name: str) -> bool:
    return name in _COUNTS or _is_size(name) or name.endswith(("_usd", "_tags", "_gb", "_days"))


def _is_size(name: str) -> bool:
    return name == "size" or name.endswith(("_bytes", "bytes_per_day"))


def _cell(name: str, value: Any) -> str:
    from rich.markup import escape

    text = _formatter(name)(plain(value))
    style = STATUS_STYLES.get(text) if name in ("status", "severity") else None
    text = escape(printable(text))
    return f"[{style}]{text}[/]" if style else text


def _formatter(name: str) -> Callable[[Any], str]:
    if _is_size(name):
        return lambda value: format_bytes(None if value is None else int(value))
    if name.endswith("_usd"):
        return format_usd
    if name in ("digest", "blob", "diff_id"):
        return lambda value: str(value)[:19] if value else "–"
    return _text


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
