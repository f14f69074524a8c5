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
GUESSED_PULLS: Final = 1000
"""Pulls a month where nobody tells or says."""
_AMOUNTS: Final = (
    "ci_jobs_a_day",
    "cold_share",
    "nodes",
    "deploys_a_day",
    "same_region_share",
    "users",
    "disk_headroom",
    "days",
    "archived_share",
    "own_disk_usd_per_gb",
    "labour_hours",
)
_OPTIONAL_AMOUNTS: Final = (
    "egress_gb",
    "pulls",
    "pull_gb",
    "private_repositories",
    "labour_usd_per_hour",
    "own_machine_usd",
    "backup_usd_per_gb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a month looks like, as far as the history cannot tell. Every default is a guess.

    Raises
    ------
    ConfigError
        Code ``SCENARIO_INVALID``.

    Examples
    --------
    >>> Scenario(egress_gb=500, users=25).private
    True
    """

    egress_gb: Decimal | float | None = None
    """GB (10⁹ bytes) that leave the provider to the internet in a month. None: pulls times what a
    pull transfers, less `same_region_share`."""
    pulls: int | None = None
    """Images pulled in a month. None: from `ci_jobs_a_day` and `nodes` where they are given, else
    from the counters of the registry where it has some, else 1,000."""
    pull_gb: Decimal | float | None = None
    """GB (10⁹ bytes) that one pull transfers. None: the mean of this inventory."""
    ci_jobs_a_day: Decimal | float = 0
    """Jobs a day that start from an image."""
    cold_share: Decimal | float = 1
    """Share of these jobs, from 0 to 1, that find no image on their machine and pull it."""
    nodes: int = 0
    """Machines that run these images, all over the world."""
    deploys_a_day: Decimal | float = 1
    """New images a day that each of the `nodes` pulls."""
    same_region_share: Decimal | float = 0
    """Share of the pulls, from 0 to 1, made inside the provider's own region, which is free
    wherever it is metered. Used where `egress_gb` is None."""
    users: int = 10
    """People who need an account."""
    private: bool = True
    """Whether repositories must be private, apart from those the registry says are public."""
    private_repositories: int | None = None
    """How many of them. None: as many as the inventory has."""
    growth_gb: Decimal | float | None = None
    """GB (10⁹ bytes) that come every month; less than zero: they go. None: the trend of the
    history."""
    region: str = ""
    """Where images should lie, as the provider calls it: ``us-east-1``. A provider that has
    prices for this region is billed with these only."""
    new_account: bool = False
    """Whether the account is new, for offers that end after some months."""
    regions: int = 1
    """In how many regions of a provider the images lie."""
    archived_share: Decimal | float = 0
    """Share of the bytes, from 0 to 1, that may lie in an archive, where a provider has one."""
    own_machine_usd: Decimal | float | None = None
    """What a machine of your own costs in a month."""
    own_disk_usd_per_gb: Decimal | float = 0
    """What a GB (10⁹ bytes) of its disk costs in a month."""
    backup_usd_per_gb: Decimal | float | None = None
    """What keeping a copy of a GB (10⁹ bytes) of a self-hosted registry costs in a month."""
    labour_hours: Decimal | float = 0
    """Hours a month that a self-hosted registry takes."""
    labour_usd_per_hour: Decimal | float | None = None
    """What an hour of the people costs who run a registry or move to another one. None: hours are
    told, and are no money."""
    disk_headroom: Decimal | float = Decimal("0.5")
    """Room on a self-hosted disk beyond what is stored, as a share of it: uploads, growth, and
    what waits for the garbage collection."""
    days: Decimal | float = DAYS_A_MONTH
    """Length of the month."""

    def __post_init__(self) -> None:
        for name in _AMOUNTS:
            _require_amount(name, getattr(self, name))
        for name in _OPTIONAL_AMOUNTS:
            if getattr(self, name) is not None:
                _require_amount(name, getattr(self, name))
        for name in ("same_region_share", "cold_share", "archived_share"):
            if decimal(getattr(self, name)) > 1:
                raise _invalid(name, getattr(self, name), "a share from 0 to 1")
        if self.growth_gb is not None and not decimal(self.growth_gb).is_finite():
            raise _invalid("growth_gb", self.growth_gb, "a number")
        for name in ("users", "regions"):
            if getattr(self, name) < 1:
                raise _invalid(name, getattr(self, name), "one or more")


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
    """Bytes where a blob is stored once per ``registry``, ``namespace``, ``repository`` or
    ``version`` (every image in full)."""
    repositories: int
    """Those that hold at least one tag."""
    mean_pull_bytes: Decimal
    """What one pull of one platform transfers: on average over the pulls that were counted, else
    over the tags."""
    mean_pull_objects: Decimal
    """Manifests, configs and layers of such a pull."""
    complete: bool
    """Whether everything was read; if not, all these numbers may be larger."""
    public_repositories: int = 0
    """Those of `repositories` that the registry says are public."""
    gzip_bytes: int = 0
    """Layers compressed with gzip, once a registry."""
    counted_pulls: Decimal | None = None
    """Pulls in an average month, from the registry's own counters; None: it has none, or they
    were read only once."""


def pulls_a_month(inputs: BillInputs, scenario: Scenario) -> Decimal:
    """Give the images pulled in a month, by the first of these that is known: the number given,
    CI jobs and nodes, the registry's counters, a guess.

    Examples
    --------
    >>> nothing = BillInputs(
    ...     stored_bytes={},
    ...     repositories=0,
    ...     mean_pull_bytes=Decimal(0),
    ...     mean_pull_objects=Decimal(0),
    ...     complete=True,
    ... )
    >>> fleet = Scenario(ci_jobs_a_day=100, cold_share=0.25, nodes=3, deploys_a_day=2, days=30)
    >>> print(pulls_a_month(nothing, fleet))
    930.00
    """
    if scenario.pulls is not None:
        return Decimal(scenario.pulls)
    if _has_fleet(scenario):
        jobs = decimal(scenario.ci_jobs_a_day) * decimal(scenario.cold_share)
        deploys = scenario.nodes * decimal(scenario.deploys_a_day)
        return (jobs + deploys) * decimal(scenario.days)
    if inputs.counted_pulls is not None:
        return inputs.counted_pulls * (decimal(scenario.days) / DAYS_A_MONTH)
    return Decimal(GUESSED_PULLS)


def _has_fleet(scenario: Scenario) -> bool:
    return decimal(scenario.ci_jobs_a_day) > 0 or scenario.nodes > 0


def pull_bytes(inputs: BillInputs, scenario: Scenario) -> Decimal:
    """Give what one pull transfers."""
    return inputs.mean_pull_bytes if scenario.pull_gb is None else decimal(scenario.pull_gb) * GB


def private_repositories(inputs: BillInputs, scenario: Scenario) -> int:
    """Give how many repositories must be private."""
    if not scenario.private:
        return 0
    if scenario.private_repositories is not None:
        return scenario.private_repositories
    return inputs.repositories - inputs.public_repositories


def disk_bytes(stored: int, scenario: Scenario) -> Decimal:
    """Give the disk that is bought to store this much."""
    return stored * (1 + decimal(scenario.disk_headroom))


def egress_bytes(inputs: BillInputs, scenario: Scenario) -> Decimal:
    """Give the bytes that leave to the internet in a month."""
    if scenario.egress_gb is not None:
        return decimal(scenario.egress_gb) * GB
    outside = 1 - decimal(scenario.same_region_share)
    return pulls_a_month(inputs, scenario) * pull_bytes(inputs, scenario) * outside


def assumed(inputs: BillInputs, scenario: Scenario) -> list[str]:
    """Say in sentences what every bill of this scenario takes for granted."""
    days = decimal(scenario.days)
    private = private_repositories(inputs, scenario)
    return [
        f"A month has {days:.2f} days, and what is stored now is stored all the month.",
        _traffic(inputs, scenario),
        f"{scenario.users:,} people need an account.",
        f"{private:,} of {max(private, inputs.repositories):,} repositories must be private.",
        f"A self-hosted disk is {decimal(scenario.disk_headroom):.0%} larger than what is stored.",
        f"{_regions(scenario)}, list prices without taxes and discounts.",
    ]


def _regions(scenario: Scenario) -> str:
    count = scenario.regions
    return "One region, no replicas" if count == 1 else f"{count} regions with a copy each"


def _traffic(inputs: BillInputs, scenario: Scenario) -> str:
    egress = format_bytes(int(egress_bytes(inputs, scenario)))
    if scenario.egress_gb is not None:
        return f"{egress} a month leave to the internet, as given."
    share = f"{decimal(scenario.same_region_share):.0%} of them from inside the provider's region"
    return (
        f"{egress} a month leave to the internet: {pulls_a_month(inputs, scenario):,.0f} pulls "
        f"({pulls_source(inputs, scenario)}) of "
        f"{format_bytes(int(pull_bytes(inputs, scenario)))}, {share}."
    )


def pulls_source(inputs: BillInputs, scenario: Scenario) -> str:
    """Say in words where `pulls_a_month` comes from."""
    if scenario.pulls is not None:
        return "as given"
    if _has_fleet(scenario):
        return "from CI jobs and nodes"
    return "a guess" if inputs.counted_pulls is None else "counted by the registry"
