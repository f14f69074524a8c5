"""What an examination is given, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from regtools.schema import SnapshotRow
from regtools.thresholds import CRITICAL, OK, WARNING, Thresholds

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is judged, of the newest snapshots unless it says otherwise."""

    thresholds: Thresholds
    now: datetime
    snapshots: Sequence[SnapshotRow]
    checks: pd.DataFrame
    problems: pd.DataFrame
    """What could not be read; what is missing is in `audit`."""
    audit: pd.DataFrame
    """What `regtools.audit` gives."""
    registries: pd.DataFrame
    repositories: pd.DataFrame
    tags: pd.DataFrame
    layers: pd.DataFrame
    earlier_registries: pd.DataFrame
    """Sizes as of the scan before the newest."""
    earlier_repositories: pd.DataFrame
    reported: pd.DataFrame
    """What the vendors tell of sizes and quotas."""
    untagged: pd.DataFrame
    """How much each registry holds in manifests without a tag, where any is known."""
    pulls: pd.DataFrame
    """When each tag was made and pulled last."""
    transfers: pd.DataFrame
    """What a pull of each tag transfers, and what beside layers above `Thresholds.layer_bytes`."""
    moved: pd.DataFrame
    """What `regtools.tag_drift` gives of `Thresholds.moved_days`."""
    latency: pd.DataFrame
    """How long each stage took beside earlier looks: what `regtools.baseline` gives, and registry."""
    looks: pd.DataFrame
    """What failed in each look of `Thresholds.error_days`."""

    def registry_names(self) -> list[str]:
        """Give each registry once, in order."""
        return sorted({row.registry for row in self.snapshots})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding; its fields are the columns of `regtools.health`."""

    severity: str
    finding: str
    """Stable upper-case code."""
    registry: str
    subject: str = ""
    """What in the registry: a stage, a repository, an image."""
    summary: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: str = ""
    threshold: str = ""
    """What made it, in words; ``any``: one is enough."""

    def row(self) -> tuple[str, ...]:
        """Give the columns in order, the evidence as JSON."""
        return (
            self.severity,
            self.finding,
            self.registry,
            self.subject,
            self.summary,
            json.dumps(dict(self.evidence), ensure_ascii=False, default=str),
            self.remedy,
            self.threshold,
        )


def or_ok(seen: Seen, found: Iterable[Found], *, finding: str, summary: str) -> Iterator[Found]:
    """Pass findings on, and add an ``ok`` for each registry that has none."""
    named = set()
    for one in found:
        named.add(one.registry)
        yield one
    for registry in seen.registry_names():
        if registry not in named:
            yield Found(severity=OK, finding=finding, registry=registry, summary=summary)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Write a number with its noun: ``1 tag``, ``2 tags``."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def severity_above(value: float, warning: float, critical: float) -> str:
    """Judge a value that is worse the larger it is."""
    return CRITICAL if value > critical else WARNING if value > warning else OK


def severity_below(value: float, warning: float, critical: float) -> str:
    """Judge a value that is worse the smaller it is."""
    return CRITICAL if value < critical else WARNING if value < warning else OK


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a frame."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
