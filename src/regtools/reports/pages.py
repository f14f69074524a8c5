"""The pages over all reports: an index of every one, and a summary that says all on one sheet.

    <output>/index.html    every report, newest first
    <output>/summary.html  each registry in a row, and what needs a hand first
    <output>/summary.pdf   the same, where PDFs are asked for

They are made from the reports' own ``report.json``, and each is replaced in one step.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from regtools.markup import (
    SEVERITIES,
    breakable,
    components_css,
    severity_rank,
    value_text,
    visible,
)
from regtools.reports.html import moment, page_css, subtitle
from regtools.reports.notebooks import EVERY_NIGHT, REPORTS
from regtools.reports.pdf import print_pdf
from regtools.reports.publish import SIDECAR, regtools_version, sync

INDEX: Final = "index.html"
SUMMARY: Final = "summary.html"
_PDF: Final = "summary.pdf"
_URGENT: Final = 5
"""How many findings fit the sheet below the registries."""
_HINDERS: Final = "health"
_BEHIND: Final = timedelta(hours=36)
"""A report that is so much older than the newest was not made last night."""
_KEYS: Final = {"report", "title", "status", "created_at", "snapshots", "findings", "files"}
"""What a page cannot do without."""
_TEMPLATES: Final = Path(__file__).resolve().parent / "templates"


def pages(output: Path) -> list[Path]:
    """Name the pages over all reports that are there.

    Parameters
    ----------
    output
        The folder of all reports.
    """
    return [path for name in (INDEX, SUMMARY, _PDF) if (path := output / name).is_file()]


def write_pages(output: Path, browser: str = "") -> list[Path]:
    """Write the index and the summary.

    Parameters
    ----------
    output
        The folder of all reports.
    browser
        Prints the summary as PDF, too; empty: none, and one of an earlier night goes.

    Raises
    ------
    ReportError
        Code ``PDF_FAILED``; the pages are written.
    """
    entries = _published(output)
    newest = [
        next(entry for entry in entries if entry["report"] == name)
        for name in _in_order({entry["report"] for entry in entries})
    ]
    _write(output, INDEX, newest=newest, entries=entries)
    sheet = _write(output, SUMMARY, **summary(newest))
    if browser:
        _print(browser, sheet, output / _PDF)
    else:
        (output / _PDF).unlink(missing_ok=True)
    return pages(output)


def summary(newest: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say what the newest report of each name comes to.

    Parameters
    ----------
    newest
        What ``report.json`` of each holds, and its name, folder and moment.

    Returns
    -------
    dict
        ``status`` (the worst), ``words`` (everything in a sentence), ``made`` (when the newest
        was), ``registries`` (a row for each, the worst first), ``urgent`` (the findings to act on
        first, each with its report), ``more``
        (how many others there are), ``reports``, ``missing`` (names of those that ``all`` makes
        and nobody made) and ``late`` (those that are a night older than the newest).
    """
    times = [datetime.fromisoformat(entry["created_at"]) for entry in newest]
    urgent, rows = _urgent(newest), _registries(newest)
    return {
        "status": _worst(entry["status"] for entry in newest) if newest else "",
        "words": _words(rows, urgent),
        "made": moment(max(times)) if times else "",
        "registries": [_shown_row(row) for row in rows],
        "urgent": urgent[:_URGENT],
        "more": len(urgent[_URGENT:]),
        "reports": newest,
        "missing": [
            REPORTS[name]
            for name in EVERY_NIGHT
            if name not in {entry["report"] for entry in newest}
        ],
        "late": [
            entry
            for entry, when in zip(newest, times, strict=True)
            if entry["report"] in EVERY_NIGHT and max(times) - when > _BEHIND
        ],
    }


def _worst(severities: Iterable[str]) -> str:
    return min(severities, key=severity_rank, default="ok")


def _urgent(newest: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give what to act on, worst first and then what hinders people, what two reports say once."""
    found: dict[str, dict[str, Any]] = {}
    for entry in newest:
        for finding in entry["findings"]:
            if finding["severity"] in ("critical", "warning"):
                found.setdefault(finding["summary"], {**finding, "entry": entry})
    return sorted(
        found.values(),
        key=lambda finding: (
            severity_rank(finding["severity"]),
            finding["entry"]["report"] != _HINDERS,
        ),
    )


def _registries(newest: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put together what the reports say of each registry."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in newest:
        for said in entry.get("registries", []):
            rows.setdefault(said["registry"], {}).update(said)
        for seen in entry["snapshots"]:
            row = rows.setdefault(seen["registry"], {"registry": seen["registry"]})
            row["scanned"] = max(row.get("scanned", ""), str(seen.get("taken_at", "")))
    return sorted(
        rows.values(), key=lambda row: (severity_rank(row.get("status", "ok")), row["registry"])
    )


def _words(rows: Sequence[Mapping[str, Any]], urgent: Sequence[Mapping[str, Any]]) -> str:
    """Say everything in one sentence; a sum of what is not known of all is not told."""
    parts = [_counted(len(rows), "registry", "registries")]
    for name, words in (("physical_bytes", "{} stored"), ("monthly_usd", "{} a month")):
        if rows and all(name in row for row in rows):
            parts.append(words.format(value_text(name, sum(row[name] for row in rows))))
    for severity, one, several in (
        ("critical", "critical finding", "critical findings"),
        ("warning", "warning", "warnings"),
    ):
        count = sum(finding["severity"] == severity for finding in urgent)
        parts.append(_counted(count, one, several))
    return ", ".join(parts) + "."


def _counted(count: int, one: str, several: str) -> str:
    return f"{count or 'no'} {one if count == 1 else several}"


def _shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row's numbers as text, empty where no report says them."""
    numbers = ("physical_bytes", "growth_month_bytes", "days_until_full", "monthly_usd")
    when = row.get("scanned", "")
    return {
        **{name: value_text(name, row[name]) if name in row else "" for name in numbers},
        "registry": row["registry"],
        "status": row.get("status", ""),
        "worst": row.get("worst", ""),
        "complete": row.get("complete", True),
        "scanned": moment(datetime.fromisoformat(when)).split(", ") if when else [],
    }


def _write(output: Path, name: str, **values: Any) -> Path:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["breakable"] = lambda name: Markup(breakable(name))  # noqa: S704 - escaped
    html = environment.get_template(f"{Path(name).stem}.html.j2").render(
        **values,
        severities=SEVERITIES,
        version=regtools_version(),
        css=components_css() + page_css(),
    )
    aside = _aside(output, name)
    aside.write_text(html, encoding="utf-8")
    sync(aside)
    return aside.replace(output / name)


def _print(browser: str, sheet: Path, pdf: Path) -> None:
    aside = _aside(pdf.parent, pdf.name)
    try:
        print_pdf(browser, sheet, aside, name=sheet.stem)
        sync(aside)
        aside.replace(pdf)
    finally:
        aside.unlink(missing_ok=True)


def _aside(output: Path, name: str) -> Path:
    return output / f".{secrets.token_hex(4)}-{name}"


def _shown(value: object) -> object:
    """Take out of foreign text what reorders or hides it; the template escapes the rest."""
    return visible(value) if type(value) is str else value


def _in_order(names: set[str]) -> list[str]:
    """Known reports in the order of `REPORTS`, then others by name."""
    ranks = list(REPORTS)
    return sorted(
        names, key=lambda name: (ranks.index(name) if name in ranks else len(ranks), name)
    )


def _published(output: Path) -> list[dict[str, Any]]:
    entries = [
        entry
        for sidecar in output.glob(f"*/*/{SIDECAR}")
        if not sidecar.parent.is_symlink() and not sidecar.parent.parent.name.startswith(".")
        if (entry := _entry(sidecar, output)) is not None
    ]
    return sorted(entries, key=lambda entry: (entry["created_at"], entry["folder"]), reverse=True)


def _entry(sidecar: Path, output: Path) -> dict[str, Any] | None:
    """Give what a page says of a report; None for a file that somebody else wrote or broke."""
    try:
        document: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
        if not set(document) >= _KEYS:
            return None
        when = datetime.fromisoformat(document["created_at"])
    except (OSError, ValueError, TypeError):
        return None
    return {
        **document,
        "name": REPORTS.get(document["report"], document["report"]),
        "folder": sidecar.parent.relative_to(output).as_posix(),
        "moment": moment(when),
        "about": subtitle(document, when),
        "about_registries": sorted({row["registry"] for row in document["snapshots"]}),
    }
