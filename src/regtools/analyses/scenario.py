"""What a bill is made for: what the history tells, and what a scenario guesses beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from regtools.errors import ConfigError
from regtools.units import GB, format_bytes

DAYS_A_MONTH: Final = Decimal(365) / 12
"""An average month: 730 hours, as cloud vendors count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a month looks like, as far as the history cannot tell. Every default is a guess.

    Raises
    ------
    ConfigError
        Code ``SCENARIO_INVALID``.

    Examples
    --------
    >>> Scenario(egress_gb=500, users=25).pulls
    1000
    """

    egress_gb: Decimal | float | None = None
    """GB (10⁹ bytes) that leave the provider to the internet in a month. None: `pulls` times
    the mean pull of this inventory, less `same_region_share`."""
    pulls: int = 1000
    """Images pulled in a month."""
    same_region_share: Decimal | float = 0
    """Share of the pulls, from 0 to 1, made inside the provider's own region, which is free
    wherever it is metered. Used where `egress_gb` is None."""
    users: int = 10
    """People who need an account."""
    private: bool = True
    """Whether the repositories must be private."""
    disk_headroom: Decimal | float = Decimal("0.5")
    """Room on a self-hosted disk beyond what is stored, as a share of it: uploads, growth, and
    what waits for the garbage collection."""
    days: Decimal | float = DAYS_A_MONTH
    """Length of the month."""

    def __post_init__(self) -> None:
        for name in ("pulls", "same_region_share", "users", "disk_headroom", "days"):
            _require_amount(name, getattr(self, name))
        if self.egress_gb is not None:
            _require_amount("egress_gb", self.egress_gb)
        if decimal(self.same_region_share) > 1:
            raise _invalid("same_region_share", self.same_region_share, "a share from 0 to 1")
        if self.users < 1:
            raise _invalid("users", self.users, "one or more")


def _require_amount(name: str, value: object) -> None:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = decimal(value)
        if number.is_finite() and number >= 0:
            return
    raise _invalid(name, value, "a number, zero or more")


def _invalid(name: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(
        f"The scenario's {name} cannot be {value!r}.",
        code="SCENARIO_INVALID",
        remedy=f"Give {wanted}.",
    )


def decimal(value: Decimal | float) -> Decimal:
    """Take a number as it is written: 0.1 is a tenth.

    Examples
    --------
    >>> decimal(0.1)
    Decimal('0.1')
    """
    return value if isinstance(value, Decimal) else Decimal(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class BillInputs:
    """What the history tells a bill."""

    stored_bytes: Mapping[str, int]
    """Bytes where a blob is stored once per ``registry``, ``namespace`` or ``repository``."""
    repositories: int
    """Those that hold at least one tag."""
    mean_pull_bytes: Decimal
    """What one pull of one platform transfers, on average over the tags."""
    mean_pull_objects: Decimal
    """Manifests, configs and layers of such a pull."""
    complete: bool
    """Whether everything was read; if not, all these numbers may be larger."""


def disk_bytes(stored: int, scenario: Scenario) -> Decimal:
    """Give the disk that is bought to store this much."""
    return stored * (1 + decimal(scenario.disk_headroom))


def egress_bytes(inputs: BillInputs, scenario: Scenario) -> Decimal:
    """Give the bytes that leave to the internet in a month."""
    if scenario.egress_gb is not None:
        return decimal(scenario.egress_gb) * GB
    outside = 1 - decimal(scenario.same_region_share)
    return scenario.pulls * inputs.mean_pull_bytes * outside


def assumed(inputs: BillInputs, scenario: Scenario) -> list[str]:
    """Say in sentences what every bill of this scenario takes for granted."""
    days = decimal(scenario.days)
    egress = format_bytes(int(egress_bytes(inputs, scenario)))
    share = f"{decimal(scenario.same_region_share):.0%} of them from inside the provider's region"
    traffic = (
        f"{egress} a month leave to the internet, as given."
        if scenario.egress_gb is not None
        else f"{egress} a month leave to the internet: {scenario.pulls:,} pulls of "
        f"{format_bytes(int(inputs.mean_pull_bytes))}, {share}."
    )
    kind = "private" if scenario.private else "public"
    return [
        f"A month has {days:.2f} days, and what is stored now is stored all the month.",
        traffic,
        f"{scenario.users:,} people need an account.",
        f"All {inputs.repositories:,} repositories with a tag are {kind}.",
        f"A self-hosted disk is {decimal(scenario.disk_headroom):.0%} larger than what is stored.",
        "One region, no replicas, list prices without taxes and discounts.",
    ]
