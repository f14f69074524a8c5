"""A vendor's retention policy, decided on the inventory as the vendor would decide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import TIME, made
from regtools.engine import Workspace
from regtools.policies import Action, Policy, Remark, RepositoryVersions, Verdict, Version

JUDGED: Final = {
    "place": "int64",
    "node": "int64",
    "tag": "object",
    "dated": TIME,
    "selected": "bool",
    "reason": "object",
    "rule": "object",
}
_AT_ONCE: Final = 500
"""Repositories in one frame: as Python's values they take much more than in DuckDB."""
_ARCHIVED: Final = dict.fromkeys(("registry", "repository", "tag", "digest", "rule"), "str")
_REFERRER_TAGS: Final = {"harbor": "signatures"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a policy decided."""

    judged: pd.DataFrame
    """As the SQL file ``judged`` answers for a rule."""
    remarks: list[Remark]
    archived: pd.DataFrame
    """What moves to a cheaper storage class: registry, repository, tag, digest, rule."""


def known_referrer_tags(policy: Policy) -> str:
    """Say which tags such as ``sha256-….sig`` the vendor takes for what they are.

    Harbor knows cosign's signatures (``.sig``) for accessories; to the others (``none``) they are
    tags like any other, which a rule may count and delete. zot's own rules look at them, and say
    so in their verdicts.
    """
    return _REFERRER_TAGS.get(policy.vendor, "none")


def simulate(workspace: Workspace, policy: Policy, *, now: datetime) -> Simulated:
    """Let a policy decide about every repository in view.

    Parameters
    ----------
    workspace
        With the tables places, nodes, dates, links, others and protected, and the variable
        ``earliest``.
    """
    workspace.make("policy_versions")
    protected = set(workspace.ask("protected_pairs").itertuples(index=False, name=None))
    judged: list[pd.DataFrame] = []
    archived: list[tuple[str, str, str, str, str]] = []
    views: list[RepositoryVersions] = []
    in_use: list[Remark] = []
    for frame in _frames(workspace):
        rows: list[tuple[Any, ...]] = []
        for (registry, repository), group in frame.groupby(["registry", "repository"], sort=True):
            records = group.to_dict("records")
            view = RepositoryVersions(
                registry=str(registry),
                repository=str(repository),
                versions=[_version(record) for record in records],
            )
            views.append(view)
            verdicts = {verdict.digest: verdict for verdict in policy.decide(view, now=now)}
            for record in records:
                verdict = verdicts.get(record["digest"])
                if verdict is not None and verdict.action is Action.ARCHIVE:
                    archived += _archived(view, record, verdict)
                    verdict = None
                is_gone = verdict is not None and verdict.action is Action.DELETE
                if (
                    verdict is not None
                    and is_gone
                    and (record["place"], record["node"]) in protected
                ):
                    in_use.append(_clash(view, verdict))
                    verdict = None
                rows += _judged(record, verdict, policy)
        judged.append(made(rows, JUDGED))
    return Simulated(
        judged=pd.concat(judged, ignore_index=True) if judged else made([], JUDGED),
        remarks=[*policy.lint(views), *in_use],
        archived=made(archived, _ARCHIVED),
    )


def _frames(workspace: Workspace) -> Iterator[pd.DataFrame]:
    """Give what the rules see, some repositories at a time, in the order of their names."""
    places = int(workspace.ask("policy_places")["places"].iloc[0])
    for first in range(1, places + 1, _AT_ONCE):
        yield workspace.ask(
            "policy_some", parameters={"first": first, "last": first + _AT_ONCE - 1}
        )


def _version(record: dict[Any, Any]) -> Version:
    return Version(
        digest=record["digest"],
        tags=tuple(record["tags"]),
        tagged_at=_times(record["tagged_at"]) if len(record["tags"]) > 1 else (),
        pushed_at=_time(record["pushed_at"]),
        pulled_at=_time(record["pulled_at"]),
        locked_tags=frozenset(record["locked_tags"]),
        is_locked=bool(record["locked"]),
        tells_pulls=bool(record["tells_pulls"]),
        media_type=record["media_type"],
        artifact_type=_text(record["artifact_type"]),
        subject=_text(record["subject"]),
        parents=tuple(record["parents"]),
    )


def _judged(
    record: dict[Any, Any], verdict: Verdict | None, policy: Policy
) -> Iterator[tuple[Any, ...]]:
    """Give a row for each tag, or one for a manifest that stands without."""
    tags: Sequence[str] = list(record["tags"])
    gone = set(tags if verdict is not None and verdict.whole else verdict.tags if verdict else ())
    rule = verdict.rule if verdict is not None else ""
    is_left_behind = verdict is not None and verdict.action is Action.KEEP
    locked = set(record["locked_tags"]) | ({None} if record["locked"] else set())

    def row(tag: str | None, *, selected: bool) -> tuple[Any, ...]:
        reason = None if selected else rule if is_left_behind else "no rule deletes it"
        if reason and tag in locked:
            reason = "is locked"
        return record["place"], record["node"], tag, None, selected, reason, rule

    for tag in tags:
        yield row(tag, selected=tag in gone)
    is_whole = verdict is not None and verdict.whole
    if tags:
        # Without its last tag it stays, untagged, where nothing collects it.
        if not policy.cascades and not is_whole and gone >= set(tags):
            yield row(None, selected=False)
    elif is_left_behind or record["loose"] or (not policy.cascades and not record["subject"]):
        yield row(None, selected=is_whole)


def _archived(
    view: RepositoryVersions, record: dict[Any, Any], verdict: Verdict
) -> Iterable[tuple[str, str, str, str, str]]:
    for tag in list(record["tags"]) or [""]:
        yield view.registry, view.repository, tag, verdict.digest, verdict.rule


def _clash(view: RepositoryVersions, verdict: Verdict) -> Remark:
    return Remark(
        code="DELETES_IN_USE",
        rule=verdict.rule,
        message=f"{view.repository}@{verdict.digest} would go, but is in use; it is kept here, "
        "and the vendor would not keep it.",
    )


def _time(value: Any) -> datetime | None:
    return None if pd.isna(value) else value.to_pydatetime()


def _times(values: Any) -> tuple[datetime | None, ...]:
    return tuple(_time(moment) for moment in pd.to_datetime(values, utc=True))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
