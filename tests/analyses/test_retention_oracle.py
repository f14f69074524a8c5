"""What the rule's SQL answers, held against plain sets and loops, over drawn inventories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.support.inventories import NOON, REGISTRY, Shelf, fresh_history, publish, shelves
from tests.support.oracle_retention import Oracle, Source

from regtools.analyses.retention import Retention, retention
from regtools.history import History
from regtools.policies import Rule
from regtools.schema import Inventory, ProblemRow

DAY = timedelta(days=1)
SCOPES = ("registry", "namespace", "project", "repository", "unknown")
quietly = settings(max_examples=20, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Case:
    """An inventory with a question about it."""

    sources: list[Source]
    scope: str
    rule: Rule
    in_use: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        """Show what a failing example held, digests by their first digits."""
        lines = [f"{self.rule} in scope {self.scope}", f"in use: {self.in_use}"]
        for source in self.sources:
            seen = source.inventory
            lines.append(f"scan of {source.namespace!r} at {source.taken_at}")
            lines += [
                f"  {row.repository}:{row.tag} {row.digest[7:15]}{' locked' if row.locked else ''}"
                for row in seen.tags
            ]
            lines += [
                f"  {row.repository} holds {row.digest[7:15]}{' locked' if row.locked else ''}"
                for row in seen.untagged
            ]
            lines += [f"  {row.parent[7:15]} → {row.child[7:15]}" for row in seen.children]
            lines += [
                f"  {row.digest[7:15]} about {row.subject[7:15]}"
                for row in seen.manifests
                if row.subject
            ]
        return "\n".join(lines)

    def rows(self) -> Iterable[tuple[str, str, str, str]]:
        return self.in_use

    def publish(self, history: History) -> None:
        """Write it down as scans do."""
        for source in self.sources:
            publish(
                history,
                source.inventory,
                taken_at=source.taken_at,
                namespace=source.namespace,
                dedup_scope=self.scope,  # type: ignore[arg-type]
            )

    def ask(self, history: History, **changes: Any) -> Retention:
        """Ask the program."""
        rule = replace(self.rule, **changes)
        return retention(history, rule, in_use=self, now=NOON)

    def oracle(self, **changes: Any) -> Oracle:
        """Ask the oracle."""
        return Oracle(
            self.sources,
            replace(self.rule, **changes),
            dedup_scope=self.scope,
            now=NOON,
            in_use=self.in_use,
            registry=REGISTRY,
        )


rules = st.builds(
    Rule,
    keep_last=st.none() | st.integers(0, 3),
    older_than=st.none() | st.integers(0, 4_000).map(lambda days: days * DAY),
    delete_tags=st.sampled_from(((), (), ("v[0-2]",), ("v", "x"), ("^sha256-",))),
    keep_tags=st.sampled_from(((), (), ("v2",))),
    untagged=st.sampled_from((False, False, True)),
    never_pulled=st.sampled_from((False, False, False, True)),
)


@st.composite
def in_use_of(draw: st.DrawFn, shelf: Shelf) -> list[tuple[str, str, str, str]]:
    """Draw up to three images in use, of this or another registry, by tag or by digest."""
    images = []
    for repository in draw(st.lists(st.sampled_from(sorted(shelf.repositories)), max_size=3)):
        registry = draw(st.sampled_from((REGISTRY, "", "elsewhere.example")))
        tags = sorted(shelf.repositories[repository])
        if tags and draw(st.booleans()):
            images.append((registry, repository, draw(st.sampled_from(tags)), ""))
        else:
            images.append(
                (registry, repository, "", draw(st.sampled_from(sorted(shelf.manifests))))
            )
    return images


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a complete case; often two scans that overlap, the later one of a namespace."""
    shelf = draw(shelves())
    for tags in shelf.repositories.values():
        for tag, row in tags.items():
            if draw(st.integers(0, 9)) == 0:
                row = replace(row, pulled_at=NOON - DAY)
            tags[tag] = replace(row, locked=draw(st.sampled_from((None, None, None, False, True))))
    for held in shelf.tagless.values():
        for digest, tagless in held.items():
            held[digest] = replace(tagless, locked=draw(st.sampled_from((None, None, True))))
    sources = [Source(inventory=shelf.inventory(), taken_at=NOON - DAY)]
    in_use = draw(in_use_of(shelf))
    if draw(st.integers(0, 2)) == 0:
        later = draw(shelves())
        for name in [one for one in later.repositories if one.partition("/")[0] != "team"]:
            del later.repositories[name]
            later.tagless.pop(name, None)
        sources.append(Source(inventory=later.inventory(), taken_at=NOON, namespace="team"))
    return Case(
        sources=sources,
        scope=draw(st.sampled_from(SCOPES)),
        rule=draw(rules),
        in_use=in_use,
    )


def pairs(frame: pd.DataFrame, *columns: str) -> list[tuple[str, ...]]:
    return sorted(frame[list(columns)].itertuples(index=False, name=None))


@quietly
@given(case=cases())
def test_who_goes_and_what_it_frees_is_what_plain_sets_say(case: Case) -> None:
    oracle = case.oracle()
    with fresh_history() as history:
        case.publish(history)
        found = case.ask(history)
        places = oracle.places
        going = {(name, *one) for name, place in places.items() for one in place.tags_going()}
        every = {(name, *one) for name, place in places.items() for one in place.all_tags()}
        deleted = {
            (name, digest) for name, place in places.items() for digest in place.held - place.kept()
        }
        assert pairs(found.tags, "repository", "digest", "tag") == sorted(going)
        assert pairs(found.kept, "repository", "digest", "tag") == sorted(every - going)
        assert pairs(found.manifests, "repository", "digest") == sorted(deleted)
        assert found.complete
        assert (found.bytes_freed, found.bytes_kept) == oracle.bytes()
        assert found.bytes_freed_low == found.bytes_freed
        assert found.bytes_freed_high == oracle.bytes(apart=True)[0]
        assert found.bytes_freed == oracle.collected(deleted)
        needed = {(name, one) for name, place in places.items() for one in place.protected}
        assert not needed & deleted
        hold_repositories(found, oracle)


def hold_repositories(found: Retention, oracle: Oracle) -> None:
    """Compare the frame of repositories."""
    rows = found.repositories.set_index("repository")
    assert sorted(rows.index) == sorted(oracle.places)
    held = {name: oracle.stored({name: place.held}) for name, place in oracle.places.items()}
    kept = oracle.stored({name: place.kept() for name, place in oracle.places.items()})
    for name, place in oracle.places.items():
        row = rows.loc[name]
        others = set().union(*(held[other].keys() for other in held if other != name))
        gone = held[name].keys() - kept.keys()
        assert row["physical_bytes"] == sum(held[name].values())
        assert row["freed_bytes"] == sum(held[name][one] for one in gone - others)
        assert row["freed_with_others_bytes"] == sum(held[name][one] for one in gone & others)
        assert row["manifests"] == len(place.held)
        assert row["manifests_deleted"] == len(place.held - place.kept())
        assert row["tags"] == sum(1 for _, tag in place.all_tags() if tag)
        assert row["tags_deleted"] == sum(1 for _, tag in place.tags_going() if tag)
        assert row["versions"] == len(place.holders)
        assert row["versions_kept"] == len(place.holders.keys() - place.going)
    assert found.tags_deleted == rows["tags_deleted"].sum() == (found.tags["tag"] != "").sum()
    assert found.manifests_deleted == rows["manifests_deleted"].sum() == len(found.manifests)


@quietly
@given(case=cases())
def test_the_curve_says_for_every_n_what_the_rule_would(case: Case) -> None:
    with fresh_history() as history:
        case.publish(history)
        curve = case.ask(history, keep_last=0).curve().set_index("keep_last")
    assert list(curve.index) == sorted(set(curve.index))
    for last in range(9 if len(curve) else 0):
        oracle = case.oracle(keep_last=last)
        row = curve[curve.index <= last].iloc[-1]
        assert (row["bytes_freed"], row["bytes_kept"]) == oracle.bytes()
        assert row["versions_kept"] == sum(
            len(place.holders.keys() - place.going) for place in oracle.places.values()
        )
    if curve.empty:
        assert case.oracle(keep_last=0).bytes() == case.oracle(keep_last=9).bytes()


@quietly
@given(case=cases(), k=st.integers(1, 3))
def test_the_deletions_that_free_most_free_what_they_say(case: Case, k: int) -> None:
    with fresh_history() as history:
        case.publish(history)
        best = case.ask(history).best(k)
    oracle = case.oracle()
    chosen = list(zip(best["repository"], best["digest"], strict=True))
    units = [(name, digest) for name, place in oracle.places.items() for digest in place.going]
    assert set(chosen) <= set(units)
    assert len(set(chosen)) == len(chosen) <= k
    for number, row in enumerate(best.to_dict("records"), 1):
        if number == len(best) or best["step"].iloc[number] != row["step"]:
            assert row["total_bytes_freed"] == oracle.freed_by(chosen[:number])
    total = oracle.freed_by(chosen)
    assert int(best["bytes_freed"].sum()) == total
    note(f"{len(units)} versions go")
    if k == 1:
        assert total == max((oracle.freed_by([one]) for one in units), default=0)
    assert total >= one_after_the_other(oracle, units, k)


def one_after_the_other(oracle: Oracle, units: list[tuple[str, str]], k: int) -> int:
    """Take up to k times the version that frees most next, as long as one frees anything."""
    chosen: list[tuple[str, str]] = []
    total = 0
    while len(chosen) < k and len(chosen) < len(units):
        rest = [one for one in units if one not in chosen]
        best = max(rest, key=lambda one: oracle.freed_by([*chosen, one]))
        freed = oracle.freed_by([*chosen, best])
        if freed == total:
            break
        chosen.append(best)
        total = freed
    return total


@quietly
@given(case=cases(), data=st.data())
def test_what_could_not_be_read_makes_it_an_upper_bound(case: Case, data: st.DataObject) -> None:
    whole = case.oracle()
    lost = set(
        data.draw(
            st.lists(
                st.sampled_from(sorted(row.digest for row in case.sources[0].inventory.manifests)),
                min_size=1,
                max_size=3,
            )
            if case.sources[0].inventory.manifests
            else st.just([])
        )
    )
    seen = replace(
        case, sources=[replace(one, inventory=without(one.inventory, lost)) for one in case.sources]
    )
    with fresh_history() as history:
        seen.publish(history)
        found = seen.ask(history)
        deleted = set(pairs(found.manifests, "repository", "digest"))
        assert found.bytes_freed >= whole.collected(deleted)  # type: ignore[arg-type]
        every = {
            (name, *one) for name, place in seen.oracle().places.items() for one in place.all_tags()
        }
        shown = pd.concat([found.tags, found.kept])
        assert pairs(shown, "repository", "digest", "tag") == sorted(every)
        if lost:
            assert not found.complete
            assert found.bytes_freed_low == 0


def without(inventory: Inventory, lost: set[str]) -> Inventory:
    """Give what a scan sees that cannot read some manifests."""
    return replace(
        inventory,
        manifests=[row for row in inventory.manifests if row.digest not in lost],
        children=[row for row in inventory.children if row.parent not in lost],
        layers=[row for row in inventory.layers if row.manifest not in lost],
        problems=[
            ProblemRow(registry=REGISTRY, repository="", reference=one, code="DENIED", message="no")
            for one in sorted(lost)
        ],
    )
