"""Checks as tables with traffic lights: what each stage gave, in words and in colour."""

from __future__ import annotations

from typing import Final

import pandas as pd

from regtools.markup import Html, escape, visible
from regtools.tables import cell_text, is_missing

STAGE_WORDS: Final = {
    "reference": "Name",
    "configuration": "Configuration",
    "resolve": "DNS",
    "connect": "Connection",
    "tls": "Certificate",
    "http": "Protocol",
    "challenge": "Challenge",
    "credentials": "Credential",
    "token": "Token",
    "auth": "Sign-in",
    "listing": "Listing",
    "manifest": "Manifest",
    "blob": "Layer",
    "throughput": "Throughput",
    "limits": "Limits",
    "storage": "Storage",
    "push": "Push",
    "content": "Content",
}
"""What a stage is called where people read it, in the order of a diagnosis."""
STATUS_WORDS: Final = {"ok": "good", "warn": "look", "fail": "failed", "skipped": "not tried"}
"""What a light means, for who sees no colours."""
_LIGHTS: Final = {"ok": "ok", "warn": "warning", "fail": "critical", "skipped": "none"}


def stage_word(stage: object) -> str:
    """Give the word for a stage; one that is not known stands for itself."""
    return STAGE_WORDS.get(str(stage), str(stage))


def diagnosis_table(checks: pd.DataFrame) -> Html:
    """Show one diagnosis: a row a stage, with its light, time, finding and what to do.

    Parameters
    ----------
    checks
        A diagnosis' frame, or the checks of one registry: stage, status, code, ms, summary, remedy.
    """
    if checks.empty:
        return Html('<p class="rt-empty">Nothing was looked at yet.</p>', "Nothing was looked at.")
    head = (
        '<th scope="col">Stage</th><th scope="col">Light</th>'
        '<th scope="col" class="rt-number">Time</th><th scope="col">What was found</th>'
    )
    rows = "".join(_stage_row(row) for row in checks.to_dict("records"))
    return Html(_scroll(head, rows), _plain(checks))


def checks_matrix(checks: pd.DataFrame) -> Html:
    """Show many registries: a row a stage, a column a registry, a light in each cell.

    Parameters
    ----------
    checks
        Rows of the table `checks`: registry, stage, status, code.
    """
    if checks.empty:
        said = "No check was made yet: scans and diagnoses make them."
        return Html(f'<p class="rt-empty">{said}</p>', said)
    registries = list(dict.fromkeys(checks["registry"]))
    stages = [stage for stage in STAGE_WORDS if stage in set(checks["stage"])]
    found = {(row["stage"], row["registry"]): row for row in checks.to_dict("records")}
    head = '<th scope="col">Stage</th>' + "".join(
        f'<th scope="col">{escape(name)}</th>' for name in registries
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(stage_word(stage))}</th>'
        + "".join(_matrix_cell(found.get((stage, registry))) for registry in registries)
        + "</tr>"
        for stage in stages
    )
    text = checks.assign(stage=checks["stage"].map(stage_word)).pivot_table(
        index="stage", columns="registry", values="status", aggfunc="last", sort=False
    )
    return Html(_scroll(head, rows), _frame_text(text))


def _frame_text(frame: pd.DataFrame) -> str:
    """Give a frame as plain text, a line a row."""
    lines = [" ".join(["", *map(str, frame.columns)])]
    lines += [" ".join([str(index), *map(str, row)]) for index, *row in frame.itertuples()]
    return "\n".join(map(visible, lines))


def _stage_row(row: dict[object, object]) -> str:
    status = str(row["status"])
    remedy = row.get("remedy")
    todo = "" if is_missing(remedy) or not remedy else f"<br><em>{escape(remedy)}</em>"
    time = "" if is_missing(row["ms"]) else f"{cell_text('ms', row['ms'])} ms"
    return (
        f'<tr><th scope="row">{escape(stage_word(row["stage"]))}</th>'
        f"<td>{_light(status)}</td>"
        f'<td class="rt-number">{escape(time)}</td>'
        f'<td class="rt-text">{escape(row["summary"])}{_code(row)}{todo}</td></tr>'
    )


def _matrix_cell(row: dict[object, object] | None) -> str:
    if row is None:
        return '<td><span class="rt-light rt-none">–</span></td>'
    return f"<td>{_light(str(row['status']))}{_code(row)}</td>"


def _light(status: str) -> str:
    word = STATUS_WORDS.get(status, status)
    return f'<span class="rt-light rt-{_LIGHTS.get(status, "none")}">{escape(word)}</span>'


def _code(row: dict[object, object]) -> str:
    """Name the code of what needs a look: it is what people search for."""
    if row["status"] not in ("warn", "fail"):
        return ""
    return f' <code class="rt-code">{escape(row["code"])}</code>'


def _scroll(head: str, rows: str) -> str:
    return (
        '<div class="rt-scroll" tabindex="0"><table class="rt-table rt-lights">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _plain(checks: pd.DataFrame) -> str:
    return "\n".join(
        visible(
            f"{stage_word(row['stage'])}: {STATUS_WORDS.get(str(row['status']), row['status'])}. "
            f"{row['summary']}"
        )
        for row in checks.to_dict("records")
    )
