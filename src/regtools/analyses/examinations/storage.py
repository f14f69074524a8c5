"""Is it of a sane size: what has no tag, growth, repositories, layers, pulls, tags?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from regtools.analyses.examinations.found import Found, Seen, counted, or_ok, records
from regtools.thresholds import OK, WARNING
from regtools.units import format_bytes

_NAMED: Final = 5
"""How many examples a finding about many things names."""


def untagged(seen: Seen) -> Iterator[Found]:
    """Judge how much of what is stored no tag leads to, where somebody tells what has no tag."""
    limit = seen.thresholds.untagged_share
    both = seen.untagged.merge(seen.registries[["registry", "physical_bytes"]], on="registry")
    for row in records(both):
        size, whole = int(row["untagged_bytes"]), int(row["physical_bytes"])
        share = size / whole if whole else 0.0
        much = share > limit
        yield Found(
            severity=WARNING if much else OK,
            finding="UNTAGGED_MUCH" if much else "UNTAGGED_LITTLE",
            registry=row["registry"],
            summary=f"{format_bytes(size)}, {share:.0%} of what is stored, are in "
            f"{counted(row['untagged'], 'manifest')} that no tag leads to.",
            evidence={
                "untagged_bytes": size,
                "physical_bytes": whole,
                "manifests": row["untagged"],
                "without_a_size": row["unread"],
            },
            remedy="See what still runs by digest, then let the registry's own cleanup of untagged "
            "manifests take the rest."
            if much
            else "",
            threshold=f"{limit:.0%} of the bytes",
        )


def sizes(seen: Seen) -> Iterator[Found]:
    """Name large repositories, layers and pulls."""
    return or_ok(
        seen,
        [*_large_repositories(seen), *_large_layers(seen), *_large_pulls(seen)],
        finding="SIZES_OK",
        summary="No repository, layer or pull is larger than the thresholds.",
    )


def _large_repositories(seen: Seen) -> Iterator[Found]:
    limit = seen.thresholds.repository_bytes
    for row in records(seen.repositories[seen.repositories["physical_bytes"] > limit]):
        size, own = int(row["physical_bytes"]), int(row["exclusive_bytes"])
        yield Found(
            severity=WARNING,
            finding="REPOSITORY_LARGE",
            registry=row["registry"],
            subject=row["repository"],
            summary=f"{row['repository']} stores {format_bytes(size)} in {row['tags']:,} tags.",
            evidence={"physical_bytes": size, "exclusive_bytes": own, "tags": row["tags"]},
            remedy=f"Deleting it would free {format_bytes(own)}; ask its owner what must stay.",
            threshold=format_bytes(limit),
        )


def _large_layers(seen: Seen) -> Iterator[Found]:
    limit = seen.thresholds.layer_bytes
    large = seen.layers[seen.layers["size"] > limit]
    for registry, rows in large.groupby("registry"):
        first = rows.iloc[0]
        yield Found(
            severity=WARNING,
            finding="LAYER_LARGE",
            registry=str(registry),
            subject=str(first["found_in"]),
            summary=f"The largest layer, in {first['found_in']}, has "
            f"{format_bytes(int(first['size']))}; {_above(len(rows), 'layers' if len(rows) > 1 else 'layer', limit)}.",
            evidence={
                "layers": len(rows),
                "largest": rows.head(_NAMED)[["blob", "size", "found_in"]].to_dict("records"),
            },
            remedy="Copy less into the image, or split what changes often from what does not.",
            threshold=format_bytes(limit),
        )


def _large_pulls(seen: Seen) -> Iterator[Found]:
    """Name images that are large beside their large layers, which are told by themselves."""
    limit = seen.thresholds.pull_bytes
    large = seen.transfers[seen.transfers["beside_bytes"] > limit]
    for (registry, repository), rows in large.groupby(["registry", "repository"]):
        first = rows.iloc[0]
        size = int(first["pull_bytes"])
        yield Found(
            severity=WARNING,
            finding="IMAGE_LARGE",
            registry=str(registry),
            subject=str(repository),
            summary=f"Pulling {repository}:{first['tag']} transfers {format_bytes(size)}; "
            f"{_above(len(rows), 'of its tags', limit)}.",
            evidence={"images": len(rows), "largest_tag": first["tag"], "pull_bytes": size},
            remedy="Build in stages and leave the tools out of the last one.",
            threshold=format_bytes(limit),
        )


def tag_counts(seen: Seen) -> Iterator[Found]:
    """Name repositories with very many tags."""
    limit = seen.thresholds.tags
    many = [
        Found(
            severity=WARNING,
            finding="TAGS_MANY",
            registry=row["registry"],
            subject=row["repository"],
            summary=f"{row['repository']} has {row['tags']:,} tags.",
            evidence={"tags": row["tags"]},
            remedy="Agree with its owner on a rule for which tags stay.",
            threshold=f"{limit:,} tags",
        )
        for row in records(seen.repositories[seen.repositories["tags"] > limit])
    ]
    return or_ok(
        seen, many, finding="TAGS_OK", summary=f"No repository has more than {limit:,} tags."
    )


def spikes(seen: Seen) -> Iterator[Found]:
    """Judge the growth between the last two scans, where both are complete."""
    limit = seen.thresholds.growth_share
    both = seen.earlier_registries.merge(seen.registries, on="registry", suffixes=("_before", ""))
    for row in records(both[both["complete"] & both["complete_before"]]):
        before, size = int(row["physical_bytes_before"]), int(row["physical_bytes"])
        if before == 0:
            continue
        share = size / before - 1
        steady = share <= limit
        yield Found(
            severity=OK if steady else WARNING,
            finding="GROWTH_STEADY" if steady else "GROWTH_SPIKE",
            registry=row["registry"],
            summary=f"The last scan stores {share:+.0%} compared with the one before.",
            evidence={
                "before_bytes": before,
                "physical_bytes": size,
                "grew_most": _growers(seen, row["registry"]),
            },
            remedy="" if steady else "The evidence names the repositories that grew most.",
            threshold=f"{limit:.0%}",
        )


def _growers(seen: Seen, registry: str) -> dict[str, int]:
    now, before = (
        frame[frame["registry"] == registry].set_index("repository")["physical_bytes"]
        for frame in (seen.repositories, seen.earlier_repositories)
    )
    grown = now.sub(before, fill_value=0).sort_values(ascending=False, kind="stable")
    return {str(name): int(size) for name, size in grown.head(_NAMED).items() if size > 0}


def _above(number: int, noun: str, limit: int) -> str:
    return f"above {format_bytes(limit)}: {number:,} {noun}"
