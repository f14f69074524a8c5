"""What a what-if of retention says first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.units import format_bytes, format_usd

if TYPE_CHECKING:
    from regtools.analyses.retention import Retention

_FEW: Final = 10
"""Deletions that a person makes by hand."""
_MUCH: Final = 0.25  # of what would be freed: worth making by hand
_ONE_REPOSITORY: Final = 0.4  # of what would be freed: worth naming
_NAMED: Final = 5


def retention_findings(found: Retention) -> Findings:
    """Say what a rule would free, what it is worth, what to look at first, and what is odd.

    Parameters
    ----------
    found
        What `regtools.retention` gives.
    """
    findings = [
        *_incomplete(found),
        *_emptied(found),
        *_remarks(found),
        _freed(found),
        *_one_repository(found),
        *_first(found),
        *_unguarded(found),
        *_orphans(found),
        *_archived(found),
        *_notes(found),
    ]
    return Findings(findings, retention_numbers(found))


def freed_words(found: Retention) -> str:
    """Say the bytes freed as surely as they are known.

    At most, where something could not be read; between two numbers, where nobody tells how far
    blobs are shared.
    """
    low, high = format_bytes(found.bytes_freed), format_bytes(found.bytes_freed_high)
    if not found.complete:
        return f"at most {high}"
    return low if low == high else f"between {low} and {high}"


def worth_words(found: Retention) -> str:
    """Say the money freed, as the end of a sentence; nothing where no bill becomes smaller."""
    usd = found.monthly_usd_freed
    return f", worth {format_usd(usd)} a month" if usd else ""


def retention_numbers(found: Retention) -> list[KeyNumber]:
    """Give the bytes, money and tags that would go, and what would stay."""
    every = found.repositories
    return [
        *freed_numbers(found),
        KeyNumber(
            name="tags_deleted",
            value=found.tags_deleted,
            label="Tags that would go",
            note=f"of {int(every['tags'].sum()):,}; {found.manifests_deleted:,} manifests",
        ),
        KeyNumber(
            name="kept_bytes",
            value=found.bytes_kept,
            label="Would stay",
            note=f"{int(every['versions_kept'].sum()):,} images in {len(every):,} repositories",
        ),
    ]


def freed_numbers(found: Retention) -> list[KeyNumber]:
    """Give what would be freed, in bytes and in money a month."""
    stored = found.bytes_freed + found.bytes_kept
    share = found.bytes_freed / stored if stored else 0.0
    usd = found.monthly_usd_freed
    plans = [
        f"{row['provider']}: {row['plan']}"
        for row in found.savings.to_dict("records")
        if row["monthly_usd_freed"]
    ]
    return [
        KeyNumber(
            name="freed_bytes",
            value=found.bytes_freed if found.complete else found.bytes_freed_high,
            label="Could be freed" if found.complete else "Could be freed at most",
            note=(
                f"{share:.0%} of what is stored"
                if found.bytes_freed == found.bytes_freed_high
                else f"perhaps up to {format_bytes(found.bytes_freed_high)}"
            ),
        ),
        KeyNumber(
            name="freed_month_usd",
            value=None if usd is None else float(usd),
            label="Worth a month",
            note=f"at {'; '.join(plans)}" if plans else "no bill becomes smaller",
        ),
    ]


def _freed(found: Retention) -> Finding:
    if not (found.tags_deleted or found.manifests_deleted):
        return Finding(
            severity="ok",
            code="NOTHING_TO_FREE",
            summary="This rule would delete nothing.",
            remedy="The table of what stays says why.",
        )
    return Finding(
        severity="info",
        code="COULD_FREE",
        summary=(
            f"{found.tags_deleted:,} tags and {found.manifests_deleted:,} manifests would go, "
            f"which frees {freed_words(found)}{worth_words(found)}."
        ),
        remedy=(
            f"By the rule “{found.rule_words}”. Nothing was deleted; the last tables say what "
            "stays, and how to get it done."
        ),
    )


def _incomplete(found: Retention) -> list[Finding]:
    if found.complete:
        return []
    return [
        Finding(
            severity="warning",
            code="INCOMPLETE",
            summary=(
                f"The newest scan is not complete: at most {format_bytes(found.bytes_freed_high)} "
                "would be freed, perhaps less."
            ),
            remedy="Scan again what the last section names before anything is deleted.",
        )
    ]


def _emptied(found: Retention) -> list[Finding]:
    every = found.repositories
    gone = every[(every["tags_deleted"] > 0) & (every["versions_kept"] == 0)]
    if gone.empty:
        return []
    names = [str(name) for name in gone["repository"]]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    noun = "repository would lose" if len(names) == 1 else "repositories would lose"
    return [
        Finding(
            severity="warning",
            code="REPOSITORY_EMPTIED",
            subject=names[0],
            summary=f"{len(names)} {noun} every image: {', '.join(names[:_NAMED])}{more}.",
            remedy="If that is not meant, keep the newest of each, or name what must stay.",
        )
    ]


def _remarks(found: Retention) -> list[Finding]:
    return [
        Finding(
            severity=remark.severity,
            code=remark.code,
            subject=remark.rule,
            summary=f"{remark.rule}: {remark.message}" if remark.rule else remark.message,
        )
        for remark in found.remarks
    ]


def _one_repository(found: Retention) -> list[Finding]:
    every = found.repositories
    touched = every[every["freed_bytes"] > 0]
    if len(touched) < 2 or not found.bytes_freed:
        return []
    top = touched.iloc[0]
    share = int(top["freed_bytes"]) / found.bytes_freed
    if share < _ONE_REPOSITORY:
        return []
    return [
        Finding(
            severity="info",
            code="ONE_REPOSITORY",
            subject=str(top["repository"]),
            summary=(
                f"{top['repository']} alone would free {format_bytes(int(top['freed_bytes']))}, "
                f"{share:.0%} of it, with {int(top['tags_deleted']):,} of its "
                f"{int(top['tags']):,} tags."
            ),
            remedy="Ask its owners first.",
        )
    ]


def _first(found: Retention) -> list[Finding]:
    best = found.best(_FEW)
    if len(best) < _FEW or best["repository"].nunique() == 1:
        return []  # then it is that repository, which has a sentence of its own
    total = int(best["total_bytes_freed"].iloc[-1])
    if total < _MUCH * found.bytes_freed or len(best) * 2 > found.manifests_deleted:
        return []
    return [
        Finding(
            severity="info",
            code="FEW_DELETIONS",
            summary=(
                f"{_FEW} deletions alone would free {format_bytes(total)}, "
                f"{total / found.bytes_freed:.0%} of it."
            ),
            remedy="The table of deletions that free most names them in their order.",
        )
    ]


def _unguarded(found: Retention) -> list[Finding]:
    if found.in_use is not None or not found.manifests_deleted:
        return []
    return [
        Finding(
            severity="info",
            code="IN_USE_UNKNOWN",
            summary="Nobody said which images run: an old one may still be in use.",
            remedy=(
                "Give in_use a file: `kubectl get pods -A -o json`, a compose file, or a list; "
                "what it names stays, with all it needs."
            ),
        )
    ]


def _orphans(found: Retention) -> list[Finding]:
    count = int((found.kept["reason"] == "what it is about is not here").sum())
    if not count:
        return []
    return [
        Finding(
            severity="info",
            code="SUBJECT_GONE",
            summary=f"{count:,} signatures and other referrers stay whose image is gone already.",
            remedy="No rule reaches them; they can be deleted by their tags.",
        )
    ]


def _archived(found: Retention) -> list[Finding]:
    if found.archived.empty:
        return []
    return [
        Finding(
            severity="info",
            code="ARCHIVED",
            summary=f"{len(found.archived):,} more would move to a cheaper storage class.",
            remedy="They stay stored, and are not in the bytes freed.",
        )
    ]


def _notes(found: Retention) -> list[Finding]:
    if not found.notes:
        return []
    summary = "What to know to read these numbers right"
    return [Finding(severity="info", code="NOTES", summary=summary, remedy=" ".join(found.notes))]
