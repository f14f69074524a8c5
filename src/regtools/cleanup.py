"""From what a person asks of a clean-up to a rule, and from its answer to tables and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

import pandas as pd

from regtools.errors import ConfigError
from regtools.policies import EMITTERS, InUse, Policy, Rule, emit_rule, read_in_use, read_policy
from regtools.registries import DISTRIBUTION, KINDS
from regtools.units import format_age, parse_age

if TYPE_CHECKING:
    from regtools.analyses.retention import Retention

_TAGS_SHOWN: Final = 3
_VENDOR_WORDS: Final = {"artifactregistry": "artifact-registry"}
"""Kinds whose word of ``--emit`` is another."""


class Conditions(TypedDict):
    """Keywords of `retention`: ``retention(history, **conditions)``."""

    rule: Rule | None
    policy: Policy | None
    in_use: InUse | None


def conditions(
    *,
    keep_last: int | None = None,
    older_than: str = "",
    keep_tag: str = "",
    delete_tag: str = "",
    untagged: bool = False,
    never_pulled: bool = False,
    policy: str | Path = "",
    in_use: str | Path = "",
) -> Conditions:
    """Read a notebook's parameters, or the words of widgets, as what `retention` takes.

    Parameters
    ----------
    keep_last, untagged, never_pulled
        As in `Rule`.
    older_than
        An age: 30d, 12h, 8w; empty: however young.
    keep_tag, delete_tag
        One regular expression each; empty: not given.
    policy
        File of a vendor's policy, which then stands instead of all conditions; empty: none.
    in_use
        File that names what runs; empty: none.

    Raises
    ------
    ConfigError
        An age, a number or a file cannot be used; see `parse_age`, `Rule`, `read_policy` and
        `read_in_use`.
    """
    rule = Rule(
        keep_last=keep_last,
        older_than=parse_age(older_than) if older_than else None,
        keep_tags=(keep_tag,) if keep_tag else (),
        delete_tags=(delete_tag,) if delete_tag else (),
        untagged=untagged,
        never_pulled=never_pulled,
    )
    return {
        "rule": None if policy else rule,
        "policy": read_policy(Path(policy)) if policy else None,
        "in_use": read_in_use(Path(in_use)) if in_use else None,
    }


def freed_by_repository(found: Retention) -> pd.DataFrame:
    """List the repositories of which something would go, those that free most first.

    Returns
    -------
    DataFrame
        registry (where there are several), repository, tags_that_go (``12 of 40``), stored_bytes,
        freed_bytes (which this repository alone held), freed_with_others_bytes, web_url.
    """
    every = found.repositories
    every = every[every["tags_deleted"] + every["manifests_deleted"] > 0]
    return _without_one_registry(
        pd.DataFrame(
            {
                "registry": every["registry"],
                "repository": every["repository"],
                "tags_that_go": [
                    f"{row['tags_deleted']:,} of {row['tags']:,}"
                    for row in every[["tags_deleted", "tags"]].to_dict("records")
                ],
                "stored_bytes": every["physical_bytes"],
                "freed_bytes": every["freed_bytes"],
                "freed_with_others_bytes": every["freed_with_others_bytes"],
                "web_url": every["web_url"],
            }
        ),
        found,
    )


def first_deletions(found: Retention, k: int = 10) -> pd.DataFrame:
    """List the k deletions that free most together, what frees only together in one row.

    Returns
    -------
    DataFrame
        registry (where there are several), repository, tags (the names; of many the first), images
        (how many digests), freed_bytes, total_freed_bytes (with the rows above),
        total_share (of all that the rule frees).
    """
    rows = [
        {
            "registry": ", ".join(dict.fromkeys(step["registry"])),
            "repository": ", ".join(dict.fromkeys(step["repository"])),
            "tags": _some_tags([tag for tags in step["tags"] for tag in tags or ["(untagged)"]]),
            "images": len(step),
            "freed_bytes": int(step["bytes_freed"].sum()),
            "total_freed_bytes": int(step["total_bytes_freed"].max()),
            "total_share": int(step["total_bytes_freed"].max()) / max(found.bytes_freed, 1),
        }
        for _, step in found.best(k).groupby("step", sort=True)
    ]
    columns = ["registry", "repository", "tags", "images", "freed_bytes", "total_freed_bytes"]
    frame = pd.DataFrame(rows, columns=[*columns, "total_share"])
    return _without_one_registry(frame, found)


def _some_tags(tags: list[str]) -> str:
    shown = sorted(tags)
    more = f" and {len(shown) - _TAGS_SHOWN} more" if len(shown) > _TAGS_SHOWN else ""
    return ", ".join(shown[:_TAGS_SHOWN]) + more


def _without_one_registry(frame: pd.DataFrame, found: Retention) -> pd.DataFrame:
    return frame.drop(columns="registry") if found.registry else frame


def kept_reasons(found: Retention) -> pd.DataFrame:
    """Count what stays by the reason.

    Returns
    -------
    DataFrame
        why_it_stays, tags (an untagged manifest counts as one), repositories, such_as, those with
        most tags first.
    """
    groups = found.kept.groupby("reason", sort=True)
    frame = pd.DataFrame(
        {
            "why_it_stays": groups.size().index,
            "tags": groups.size().to_numpy(),
            "repositories": groups[["registry", "repository"]]
            .apply(lambda rows: len(rows.drop_duplicates()))
            .to_numpy()
            if len(groups)
            else [],
            "such_as": [_image(rows.iloc[0]) for _, rows in groups],
        }
    )
    return frame.sort_values("tags", ascending=False, kind="stable", ignore_index=True)


def _image(row: pd.Series) -> str:
    name = f":{row['tag']}" if row["tag"] else f"@{row['digest']}"
    return f"{row['repository']}{name}"


def deletion_steps(
    found: Retention, *, history: str = "", policy: str = "", in_use: str = ""
) -> pd.DataFrame:
    """Say how to get it done: commands to look again, to have it deleted, and to free the bytes.

    Parameters
    ----------
    found
        What `retention` gives.
    history, policy, in_use
        Where they are, as the commands shall name them; empty: the default, or none.

    Returns
    -------
    DataFrame
        step, command (empty: it is done elsewhere), note.
    """
    place = ["--history", history] if history else []
    guard = ["--in-use", in_use] if in_use else []
    asked = [*_options(found, policy), *guard]
    rows = [
        step
        for registry in dict.fromkeys(row.registry for row in found.snapshots)
        for step in _steps(found, registry, place, asked)
    ]
    return pd.DataFrame(rows, columns=["step", "command", "note"])


def _steps(
    found: Retention, registry: str, place: Sequence[str], asked: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    scans = [row for row in found.snapshots if row.registry == registry]
    targets = ["/".join(filter(None, (row.registry, row.namespace))) for row in scans]
    ask = ["regtools", "retention", *place, "--registry", registry, *asked]
    own = KINDS.get(scans[-1].kind, DISTRIBUTION)
    yield (
        "Scan anew",
        shlex.join(["regtools", "scan", *place, *targets]),
        "Images may have been pushed or moved since.",
    )
    yield "Read what would go", shlex.join([*ask, "--json"]), "Deletes nothing."
    word = _VENDOR_WORDS.get(own.name, own.name)
    if found.rule is not None and _can_say(found.rule, word):
        command = f"{shlex.join([*ask, '--emit', word])} > policy.json"
        yield f"Leave it to {own.title}", command, "Its own rule, which then runs there for good."
    if own.deletion:
        yield "Delete", "", f"{registry}: {own.deletion}"
    else:
        script = f"delete-{re.sub('[^A-Za-z0-9.-]', '-', registry)}.sh"
        command = f"{shlex.join([*ask, '--emit', 'script'])} > {script}"
        yield "Write a script", command, "Read it: it names every manifest that would go."
        yield "Delete", f"bash {script} --delete", "Without --delete it only shows."
    if own.collection:
        yield "Free the bytes", "", f"{registry}: {own.collection}"


def _can_say(rule: Rule, word: str) -> bool:
    if word not in EMITTERS:
        return False
    try:
        emit_rule(rule, word)
    except ConfigError:
        return False
    return True


def _options(found: Retention, policy: str) -> list[str]:
    rule = found.rule
    if rule is None:
        return ["--policy", policy]
    return [
        *(["--keep-last", str(rule.keep_last)] if rule.keep_last is not None else []),
        *(["--older-than", format_age(rule.older_than)] if rule.older_than is not None else []),
        *(word for regex in rule.delete_tags for word in ("--delete-tag", regex)),
        *(["--untagged"] if rule.untagged else []),
        *(["--never-pulled"] if rule.never_pulled else []),
        *(word for regex in rule.keep_tags for word in ("--keep-tag", regex)),
    ]
