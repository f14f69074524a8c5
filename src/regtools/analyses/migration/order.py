"""In which order what is planned can be copied: parts before wholes, subjects before referrers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from regtools.analyses.migration.judgement import COPY
from regtools.analyses.migration.sides import LIST_TAG, Moves
from regtools.copying import Copy


def copies(moves: Moves, tags: pd.DataFrame, referrers: pd.DataFrame) -> Iterator[Copy]:
    """Give what is copied in an order in which it can be: parts before wholes, subjects first."""
    edges: dict[tuple[int, int], list[Mapping[Any, Any]]] = {}
    for row in moves.workspace.ask("migration_edges").to_dict("records"):
        edges.setdefault((row["place"], row["parent"]), []).append(row)
    homes = {row["place"]: row["repository"] for row in moves.pairs.to_dict("records")}
    wanted = moves.workspace.ask("migration_media_types")
    types = dict(zip(wanted["node"], wanted["media_type"], strict=True))
    done: set[tuple[str, str]] = set()

    def parts(place: int, node: int, destination: str) -> Iterator[Copy]:
        for child in edges.get((place, node), ()):
            key = (destination, child["digest"])
            if key in done:
                continue
            done.add(key)
            yield from parts(place, child["child"], destination)
            yield Copy(
                repository=homes[place],
                digest=child["digest"],
                destination=destination,
                media_type=child["media_type"],
                is_list_only=child["is_index"],
                is_part=True,
            )

    chosen = tags[tags["status"] == COPY].sort_values(
        ["repository", "refers", "tag"], kind="stable"
    )
    loose = referrers[~referrers["held"].astype(bool)].assign(tag="", refers=True)
    loose["repository"] = loose["place"].map(homes)
    for row in [*chosen.to_dict("records"), *loose.to_dict("records")]:
        place, node = int(row["place"]), int(row["node"])
        below = edges.get((place, node), [])
        is_list = bool(below) and (
            any(child["is_index"] for child in below)
            or (row["refers"] and len(row["tag"]) == LIST_TAG)
        )
        if is_list:
            yield from parts(place, node, row["destination"])
        yield Copy(
            repository=row["repository"],
            digest=row["digest"],
            destination=row["destination"],
            tag=row["tag"],
            media_type=types.get(node, ""),
            is_list_only=is_list,
        )
