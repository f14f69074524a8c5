"""From when on something is worth a word."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final

from regtools.errors import ConfigError
from regtools.units import GB, parse_bytes

CRITICAL: Final = "critical"
WARNING: Final = "warning"
INFO: Final = "info"
OK: Final = "ok"
SEVERITIES: Final = (CRITICAL, WARNING, INFO, OK)
"""Worst first: act now, act this month, worth knowing, examined and fine."""

_WORSE_BELOW: Final = ("certificate", "credential", "pulls_left", "disk_free")
"""What is worse the smaller it is; all else that has two limits, the larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The limits that `regtools.health` judges by; ``[thresholds]`` of ``regtools.toml`` has the same.

    Raises
    ------
    ConfigError
        Code ``THRESHOLD_INVALID``: a number below zero or without end, a pattern that is no
        regular expression, or two limits in the wrong order.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    certificate_warning_days: float = 30
    """A certificate that ends sooner is a warning: automatic renewal has failed by then (Let's
    Encrypt renews 30 days before the end)."""
    certificate_critical_days: float = 7
    credential_warning_days: float = 14
    """A token that ends sooner is a warning, unless it is of a sort that lives for hours."""
    credential_critical_days: float = 3
    snapshot_warning_days: float = 2
    """A newest scan older than this is a warning: a nightly one has been missed."""
    snapshot_critical_days: float = 7
    latency_times: float = 2
    """A stage that took so many times longer than usual is a warning."""
    latency_ms: float = 100
    """Milliseconds over the usual that nobody would notice."""
    error_days: float = 14
    """Looks of this time count for the error rate."""
    error_warning_share: float = 0.2
    """A registry that failed in more of them is a warning, though it answers now."""
    error_critical_share: float = 0.5
    pulls_left_warning_share: float = 0.1
    """Fewer pulls left of what the registry grants are a warning."""
    pulls_left_critical_share: float = 0.01
    quota_warning_share: float = 0.8
    """A vendor's quota that is used to more than this is a warning."""
    quota_critical_share: float = 0.95
    disk_free_warning_share: float = 0.1
    """A disk with less room left is a warning."""
    disk_free_critical_share: float = 0.03
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
    untagged_share: float = 0.25
    """More of the stored bytes in manifests without a tag is a warning."""
    growth_share: float = 0.2
    """Growth between the last two scans above this share is a warning."""
    tags: int = 500
    """A repository with more tags is a warning: nobody decides which of them may go."""
    never_pulled_days: float = 90
    """A tag that nobody pulled within this time after it was made is one that nobody pulls."""
    never_pulled_share: float = 0.5
    """More such tags among those so old are worth knowing."""
    moved_days: float = 30
    """Scans of this time are searched for tags that moved."""
    version_tags: tuple[str, ...] = (r"v?\d+\.\d+\.\d+",)
    """Patterns of tags that name a version; one that moved is a warning. A pattern is for the whole
    tag."""
    production_tags: tuple[str, ...] = (
        "latest",
        "stable",
        "release",
        "prod",
        "production",
        "main",
    )
    """Patterns of tags that production pulls by; that they moved is worth knowing."""
    unused_days: float = 365
    """A repository whose newest image is older is worth knowing."""
    latest_behind_days: float = 30
    """A tag `latest` that is older than the newest one by more than this is worth knowing."""

    def instead(self, **given: float | str | None) -> Thresholds:
        """Give these limits with others in their place.

        Parameters
        ----------
        **given
            By name. Where a warning moves beyond what is critical, that goes along.

        Raises
        ------
        ConfigError
            Code ``THRESHOLD_INVALID``: also where there is no such threshold, or it takes no number.
        """
        changed: dict[str, Any] = {}
        for name, value in given.items():
            changed[name] = _number(name, value)
            worse = name.replace("_warning_", "_critical_")
            if worse != name and worse not in given:
                nearer = min if name.startswith(_WORSE_BELOW) else max
                changed[worse] = nearer(changed[name], getattr(self, worse))
        return replace(self, **changed)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for one in fields(self):
            _check(one.name, getattr(self, one.name))
        pairs = [one.name for one in fields(self) if "_warning_" in one.name]
        for name in pairs:
            worse = name.replace("_warning_", "_critical_")
            warning, critical = getattr(self, name), getattr(self, worse)
            falls = name.startswith(_WORSE_BELOW)
            if critical > warning if falls else critical < warning:
                raise ConfigError(
                    f"The threshold {worse} ({critical:g}) is {'above' if falls else 'below'} "
                    f"{name} ({warning:g}): what is critical would be no warning.",
                    code="THRESHOLD_INVALID",
                    remedy=f"Give {worse} too, at {'most' if falls else 'least'} {warning:g}.",
                )


def _number(name: str, value: object) -> float:
    known = {one.name: one for one in fields(Thresholds)}
    if name not in known:
        raise ConfigError(
            f"There is no threshold {name}.",
            code="THRESHOLD_INVALID",
            remedy=f"Known are: {', '.join(known)}.",
        )
    try:
        text = str(value)
        number = float(parse_bytes(text) if name.endswith("_bytes") else text)
    except (ConfigError, ValueError):
        raise _invalid(name, "no number") from None
    return int(number) if number.is_integer() else number


def _check(name: str, value: object) -> None:
    if isinstance(value, tuple):
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise _invalid(name, f"no regular expression: {error}") from error
    elif isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
        raise _invalid(name, "no number from zero on")


def _invalid(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"The threshold {name} is {why}.",
        code="THRESHOLD_INVALID",
        remedy="Mend it in [thresholds] of regtools.toml, or leave it out.",
    )
