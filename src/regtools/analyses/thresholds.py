"""From when on something is worth a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from regtools.units import GB

CRITICAL: Final = "critical"
WARNING: Final = "warning"
INFO: Final = "info"
OK: Final = "ok"
SEVERITIES: Final = (CRITICAL, WARNING, INFO, OK)
"""Worst first: act now, act this month, worth knowing, examined and fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The limits that `regtools.health` judges by."""

    certificate_warning_days: int = 30
    """A certificate that ends sooner is a warning: automatic renewal has failed by then (Let's
    Encrypt renews 30 days before the end)."""
    certificate_critical_days: int = 7
    snapshot_warning_days: float = 2
    """A newest scan older than this is a warning: a nightly one has been missed."""
    snapshot_critical_days: float = 7
    capacity_bytes: int | None = None
    """What each registry's storage holds; None: unknown and not judged."""
    capacity_warning_share: float = 0.8
    capacity_critical_share: float = 0.95
    repository_bytes: int = 100 * GB
    """A repository that stores more is a warning."""
    layer_bytes: int = 1 * GB
    """A layer that is larger is a warning: every change in it is stored and pulled whole."""
    pull_bytes: int = 2 * GB
    """An image whose pull transfers more is a warning: it delays every start on a new machine."""
    tags: int = 500
    """A repository with more tags is a warning: nobody decides which of them may go."""
    unused_days: int = 365
    """A repository whose newest image is older is worth knowing."""
    latest_behind_days: int = 30
    """A tag `latest` that is older than the newest one by more than this is worth knowing."""
    growth_share: float = 0.2
    """Growth between the last two scans above this share is a warning."""
