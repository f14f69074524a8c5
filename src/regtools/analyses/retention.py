"""What would a rule delete, and how many bytes would that free? Nothing is ever deleted here.

The answer is about a *set*: a layer that two images share goes when both do. What stays keeps all
that it leads to: the images of an index, attestations, signatures and other referrers.

    rule or policy ─▶ judged (each tag: selected or not, and why)
                         └─▶ versions (the tags of one digest; which go), fixed (what stays anyway)
                                └─▶ held (each manifest of a repository: kept or not)
                                       └─▶ freed (bytes, each blob once in the dedup scope)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.deletions import LARGEST, best_steps, deletions
from regtools.analyses.reach import (
    EARLIEST_IMAGE,
    ONLY_STATE,
    TREE_STEPS,
    facts,
    made,
    opened,
    typed,
)
from regtools.analyses.savings import savings
from regtools.analyses.simulation import known_referrer_tags, simulate
from regtools.engine import Workspace
from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.policies import Guard, Policy, Remark, Rule, re2
from regtools.schema import SnapshotRow
from regtools.units import format_age, format_bytes

TAGS: Final = dict.fromkeys(("registry", "repository", "tag", "digest", "rule"), "str")
KEPT: Final = dict.fromkeys(("registry", "repository", "tag", "digest", "reason"), "str")
MANIFESTS: Final = {
    **dict.fromkeys(("registry", "repository", "digest"), "str"),
    "size": "int64",
}
_SIZES: Final = (
    "physical_bytes",
    "freed_bytes",
    "freed_with_others_bytes",
    "kept_bytes",
    "kept_with_others_bytes",
)
REPOSITORIES: Final = {
    "registry": "str",
    "repository": "str",
    **dict.fromkeys(
        (
            "tags",
            "tags_deleted",
            "versions",
            "versions_kept",
            "manifests",
            "manifests_deleted",
            *_SIZES,
        ),
        "int64",
    ),
    "complete": "bool",
    "web_url": "object",
}
_MOST_SHOWN: Final = 20
"""How many repositories a notebook shows at once."""
CURVE: Final = {
    "registry": "str",
    "keep_last": "int64",
    "versions_kept": "int64",
    "bytes_freed": "int64",
    "bytes_kept": "int64",
}


class Retention:
    """What would go, what would stay, and what that frees; made by `retention`.

    The numbers are there at once; each frame is computed when it is first asked for.
    """

    complete: bool
    """Whether all that matters was read. If not, less than `bytes_freed` may be freed, never more:
    what was not read may hold on to some of it."""
    notes: tuple[str, ...]
    """What a reader must know to read the numbers right."""
    remarks: tuple[Remark, ...]
    """What is odd about a vendor's policy."""
    rule: Rule | None
    """The rule that was asked about; None: a vendor's policy was."""
    policy: Policy | None
    """The policy that was asked about; None: a rule was."""
    snapshots: tuple[SnapshotRow, ...]
    """The scans that were judged."""
    in_use: Guard | None
    """What runs, and so stays; None: nobody said what does."""

    def __init__(
        self,
        workspace: Workspace,
        snapshots: Sequence[SnapshotRow],
        *,
        rule: Rule | None = None,
        policy: Policy | None = None,
        in_use: Guard | None = None,
        notes: Sequence[str] = (),
        remarks: Sequence[Remark] = (),
        archived: pd.DataFrame | None = None,
    ) -> None:
        self._workspace = workspace
        self.snapshots = tuple(snapshots)
        self.rule, self.policy, self.in_use = rule, policy, in_use
        self._counts = workspace.ask("retention_counts")
        shared = workspace.ask("freed", parameters={"apart": False})
        is_unknown = any(row.dedup_scope == "unknown" for row in snapshots)
        apart = workspace.ask("freed", parameters={"apart": True}) if is_unknown else shared
        self._sizes = shared.assign(most_freed=apart["bytes_freed"], most_kept=apart["bytes_kept"])
        self.complete = bool(
            all(row.complete for row in snapshots)
            and self._counts["complete"].all()
            and shared["known"].all()
        )
        self.remarks = tuple(remarks)
        self.archived = archived if archived is not None else made([], TAGS)
        self.notes = (*notes, *self._own_notes())

    @property
    def registry(self) -> str:
        """The registry, empty where there are several."""
        names = {row.registry for row in self.snapshots}
        return names.pop() if len(names) == 1 else ""

    @property
    def rule_words(self) -> str:
        """What was asked about, in few words; see `rule_text`."""
        if self.rule is not None:
            return rule_text(self.rule)
        return f"the policy of {self.policy.vendor}" if self.policy is not None else ""

    def describe(self) -> str:
        """Say in one line what is deleted, of which scan."""
        scans = ", ".join(
            f"{row.registry} as of {row.taken_at:%Y-%m-%d %H:%M} UTC" for row in self.snapshots
        )
        what = f"{self.tags_deleted} tags and {self.manifests_deleted} manifests of {scans}"
        if not self.complete:
            return (
                f"{what}; frees at most {format_bytes(self.bytes_freed)}. Not everything could be "
                "read: what was not read may need some of it"
            )
        return f"{what}; frees {format_bytes(self.bytes_freed)}"

    @property
    def tags_deleted(self) -> int:
        """Tags that go, those of referrers whose subject goes included."""
        return int(self._counts["tags_deleted"].sum())

    @property
    def manifests_deleted(self) -> int:
        """Manifests that go, counted in each repository that holds them."""
        return int(self._counts["manifests_deleted"].sum())

    @property
    def bytes_freed(self) -> int:
        """Bytes that go, each blob and manifest once in the dedup scope.

        Where the scope is unknown: what surely goes, even if all repositories share.
        """
        return int(self._sizes["bytes_freed"].sum())

    @property
    def bytes_freed_low(self) -> int:
        """What is freed at least; nothing is sure where the inventory is not complete."""
        return self.bytes_freed if self.complete else 0

    @property
    def bytes_freed_high(self) -> int:
        """What is freed at most: more than `bytes_freed` only where the scope is unknown."""
        return int(self._sizes["most_freed"].sum())

    @property
    def bytes_kept(self) -> int:
        """Bytes that stay, each blob and manifest once in the dedup scope."""
        return int(self._sizes["bytes_kept"].sum())

    @property
    def monthly_usd_freed(self) -> Decimal | None:
        """What the registries' own providers would bill less in a month; None: nobody can say."""
        freed = self.savings["monthly_usd_freed"]
        return None if freed.empty or freed.isna().any() else sum(freed, Decimal())

    @cached_property
    def savings(self) -> pd.DataFrame:
        """Money, a row for each registry; see `regtools.analyses.savings.savings`."""
        return savings(self._sizes, self.snapshots)

    @cached_property
    def tags(self) -> pd.DataFrame:
        """What goes: registry, repository, tag (empty: a manifest without one), digest, rule."""
        return typed(self._workspace.ask("retention_tags"), TAGS)

    @cached_property
    def manifests(self) -> pd.DataFrame:
        """All manifests that go, those inside indexes and referrers too: registry, repository,
        digest, size (of the manifest itself). What names another comes before it."""
        return typed(self._workspace.ask("retention_manifests"), MANIFESTS)

    @cached_property
    def kept(self) -> pd.DataFrame:
        """What stays, and why: registry, repository, tag, digest, reason."""
        return typed(self._workspace.ask("retention_kept"), KEPT)

    @cached_property
    def repositories(self) -> pd.DataFrame:
        """Each repository: registry, repository, tags, tags_deleted, versions, versions_kept,
        manifests, manifests_deleted, physical_bytes, freed_bytes (which it alone held),
        freed_with_others_bytes (which it held with others that let go of them too), kept_bytes and
        kept_with_others_bytes (the same of what stays stored; the four add up to physical_bytes),
        complete, web_url (its page; None where it has none)."""
        sizes = self._workspace.ask("retention_repositories")
        frame = self._counts.merge(sizes, on=["registry", "repository"], how="left")
        frame = frame.fillna(dict.fromkeys(_SIZES, 0))
        order = ["freed_bytes", "freed_with_others_bytes"]
        return typed(
            frame.sort_values(order, ascending=False, kind="stable"),
            REPOSITORIES,
        )

    def curve(self) -> pd.DataFrame:
        """Bytes freed against versions kept, for every `keep_last`, all else as it is.

        Columns: registry, keep_last, versions_kept, bytes_freed, bytes_kept. Only the steps at
        which something changes; between them it is as at the lower one.
        """
        return typed(self._workspace.ask("retention_curve"), CURVE)

    def best(self, k: int = 10) -> pd.DataFrame:
        """The k deletions that free most together, in the order in which to make them.

        Columns: those of `regtools.analyses.deletions.deletions`.
        """
        bundles = self._workspace.ask(
            "retention_bundles", parameters={"most": k, "largest": LARGEST}
        )
        steps = best_steps(bundles, k)
        chosen = sorted(unit for step in steps for unit in step.units)
        return deletions(
            steps, self._workspace.ask("retention_units", parameters={"units": chosen})
        )

    def _own_notes(self) -> list[str]:
        notes = []
        if not self.complete:
            notes.append(
                "Not everything could be read: this is what goes at most, and some of it may be "
                "held by what was not read."
            )
        if not self._sizes["known"].all():
            notes.append("Some layers tell no size: they are in none of the numbers.")
        if any(row.dedup_scope == "unknown" for row in self.snapshots):
            notes.append(
                "Nobody tells whether this registry stores a blob once for several repositories: "
                "the bytes freed are those that surely go."
            )
        return notes

    def __repr__(self) -> str:
        return (
            f"<Retention: {self.tags_deleted} tags and {self.manifests_deleted} manifests go, "
            f"{self.bytes_freed} bytes freed, {self.bytes_kept} kept>"
        )

    def _repr_html_(self) -> str:
        """Show in a notebook what goes, where, and what a reader must know of it."""
        lines = [f"{self.describe()}; {format_bytes(self.bytes_kept)} stay.", *self.notes]
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
        frame = self.repositories
        frame = frame[frame["tags_deleted"] + frame["manifests_deleted"] > 0]
        if frame.empty:
            return paragraphs
        shown = frame.head(_MOST_SHOWN).drop(columns="web_url")
        for name in [name for name in REPOSITORIES if name.endswith("_bytes")]:
            shown[name] = shown[name].map(format_bytes)
        more = len(frame) - _MOST_SHOWN
        rest = f"<p>… and {more:,} more repositories: see `.repositories`.</p>" if more > 0 else ""
        return f"{paragraphs}{shown.to_html(index=False, escape=True)}{rest}"


def retention(
    history: History | str | Path,
    rule: Rule | None = None,
    *,
    policy: Policy | None = None,
    in_use: Guard | None = None,
    registry: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
) -> Retention:
    """Say what a rule would delete and free.

    Parameters
    ----------
    rule
        The house's own conditions.
    policy
        A vendor's rules instead.
    in_use
        What runs: those images and all that they need are never proposed.
    registry, at
        Only this registry; the newest snapshots not after this time.
    now
        The moment from which ages count; left out: `at`, or the present.

    Raises
    ------
    ConfigError
        Code ``RULE_INVALID``: neither or both of rule and policy, or a pattern that is none.
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    if (rule is None) == (policy is None):
        raise ConfigError("Give a rule, or a vendor's policy.", code="RULE_INVALID")
    store = opened(history)
    snapshots = store.latest(registry=registry, at=at)
    if not snapshots:
        raise HistoryError(
            f"There is nothing to judge: {store.location} has no snapshot"
            f"{f' of {registry}' if registry else ''}.",
            code="HISTORY_EMPTY",
            remedy="Scan a registry first: regtools scan TARGET.",
        )
    patterns = _patterns(rule) if rule is not None else {}
    moment = now or at or datetime.now(UTC)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    workspace = Workspace(store, snapshots)
    facts(
        workspace,
        {ONLY_STATE: snapshots},
        TREE_STEPS,
        referrer_tags=known_referrer_tags(policy) if policy is not None else "all",
    )
    workspace.add("in_use", _in_use_frame(in_use))
    workspace.make("protected")
    workspace.set("earliest", EARLIEST_IMAGE)
    workspace.set("locks_hold", policy is None or not policy.unlocks)
    workspace.set("keep_last", rule.keep_last if rule is not None else None)
    notes: list[str] = []
    remarks: list[Remark] = []
    archived = None
    if rule is not None:
        workspace.set("older_than", _before(moment, rule.older_than))
        workspace.set("delete_tag", patterns["delete_tag"])
        workspace.set("keep_tag", patterns["keep_tag"])
        workspace.set("only_untagged", rule.untagged)
        workspace.set("never_pulled", rule.never_pulled)
        workspace.set("has_condition", rule.has_condition)
        workspace.set("rule", rule_text(rule))
        workspace.view("judged")
    elif policy is not None:
        simulated = simulate(workspace, policy, now=moment)
        workspace.add("judged", simulated.judged)
        remarks, archived = simulated.remarks, simulated.archived
    for step in ("versions", "fixed", "held"):
        workspace.make(step)
    return Retention(
        workspace,
        snapshots,
        rule=rule,
        policy=policy,
        in_use=in_use,
        notes=notes,
        remarks=remarks,
        archived=archived,
    )


def rule_text(rule: Rule) -> str:
    """Say in few words which conditions a rule has.

    Examples
    --------
    >>> rule_text(Rule(keep_last=3, delete_tags=("^pr-",)))
    'beyond the 3 newest, tag matches ^pr-'
    """
    words = []
    if rule.keep_last is not None:
        words.append(f"beyond the {rule.keep_last} newest")
    if rule.older_than is not None:
        words.append(f"older than {format_age(rule.older_than)}")
    if rule.delete_tags:
        words.append(f"tag matches {' or '.join(rule.delete_tags)}")
    if rule.untagged:
        words.append("untagged")
    if rule.never_pulled:
        words.append("never pulled")
    return ", ".join(words)


def _before(moment: datetime, age: timedelta | None) -> datetime | None:
    if age is None:
        return None
    # Older than the calendar itself: then nothing is.
    return moment - age if age < moment - EARLIEST_IMAGE else EARLIEST_IMAGE


def _patterns(rule: Rule) -> dict[str, str | None]:
    return {
        "delete_tag": _pattern(rule.delete_tags, "delete"),
        "keep_tag": _pattern(rule.keep_tags, "keep"),
    }


def _pattern(patterns: Sequence[str], what: str) -> str | None:
    """Join patterns into one, each of which was tried alone: RE2 is linear in the text's length."""
    for pattern in patterns:
        if problem := re2.problem(pattern):
            raise ConfigError(
                f"{pattern!r}, for tags to {what}, is not a regular expression: {problem}.",
                code="RULE_INVALID",
                remedy="The syntax is RE2's: no look-around and no back-references.",
            )
    return "|".join(f"(?:{pattern})" for pattern in patterns) or None


def _in_use_frame(in_use: Guard | None) -> pd.DataFrame:
    columns = dict.fromkeys(("registry", "repository", "tag", "digest"), "str")
    return made(in_use.rows() if in_use is not None else (), columns)
