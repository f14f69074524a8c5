"""The arithmetic of a bill: quantities times rates, tier by tier, in decimals.

Nothing here reads a history or a file. Each bill is made three times: as estimated, and with
everything that is not certain (what a unit means, a rate with a choice, whether repositories
share their layers) at its lowest and at its highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import Enum, auto
from typing import Final

from regtools.analyses.prices import GRADES, Measure, Plan, Price, Provider
from regtools.errors import ConfigError
from regtools.units import GB, cents, format_bytes

DAYS_A_MONTH: Final = Decimal(365) / 12
"""An average month: 730 hours, as cloud vendors count."""
_PULL_WINDOWS_A_DAY: Final = 4  # of six hours, Docker Hub's measure


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
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not is_number or not (number := decimal(value)).is_finite() or number < 0:
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


class Bound(Enum):
    """Which of the three bills is made."""

    LOW = auto()
    ESTIMATE = auto()
    HIGH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of a bill."""

    price: Price
    quantity: Decimal
    rate: Decimal | None
    """US dollars a unit; None: not known."""
    grade: str

    @property
    def usd(self) -> Decimal | None:
        """The line's amount, exact; None where a rate is missing."""
        if self.quantity == 0:
            return Decimal(0)
        return None if self.rate is None else self.quantity * self.rate

    def to_dict(self) -> dict[str, object]:
        """Give plain values: amounts as exact texts."""
        price = self.price
        return {
            "name": price.component,
            "unit": price.unit,
            "quantity": f"{self.quantity:f}",
            "rate": None if self.rate is None else f"{self.rate:f}",
            "usd": None if self.usd is None else f"{self.usd:f}",
            "source": price.source,
            "checked": price.checked.isoformat(),
            "grade": self.grade,
            "note": price.note,
            "price": price.key,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month with one plan."""

    provider: Provider
    plan: Plan
    components: tuple[Component, ...]
    stored_bytes: int
    low_usd: Decimal
    high_usd: Decimal | None
    """None: nobody can say how high."""
    complete: bool
    why_not: tuple[str, ...]
    """What of the workload the plan does not hold; empty: it holds all."""
    notes: tuple[str, ...]

    @property
    def monthly_usd(self) -> Decimal | None:
        """The sum to the cent, None where a rate is missing."""
        return _total(self.components)

    @property
    def grade(self) -> str:
        """The worst grade of what this bill stands on."""
        return max(
            (line.grade for line in self.components if line.quantity), default="A", key=GRADES.index
        )


def make_bill(provider: Provider, plan: Plan, inputs: BillInputs, scenario: Scenario) -> Bill:
    """Price a workload with one plan."""
    estimate, low, high = (
        _components(provider, plan, inputs, scenario, bound)
        for bound in (Bound.ESTIMATE, Bound.LOW, Bound.HIGH)
    )
    grows = not inputs.complete and any(_depends(price, scenario) for price in plan.prices)
    return Bill(
        provider=provider,
        plan=plan,
        components=estimate,
        stored_bytes=_stored(provider, inputs, Bound.ESTIMATE),
        low_usd=cents(sum((line.usd or Decimal(0) for line in low), Decimal(0))),
        high_usd=None if grows else _total(high),
        complete=inputs.complete,
        why_not=tuple(_lacks(provider, plan, inputs, scenario)),
        notes=tuple(_notes(provider, plan, inputs, estimate)),
    )


def _total(lines: tuple[Component, ...]) -> Decimal | None:
    amounts = [line.usd for line in lines]
    known = [amount for amount in amounts if amount is not None]
    return cents(sum(known, Decimal(0))) if len(known) == len(amounts) else None


def _components(
    provider: Provider, plan: Plan, inputs: BillInputs, scenario: Scenario, bound: Bound
) -> tuple[Component, ...]:
    return tuple(
        line
        for price in plan.prices
        for line in price_lines(
            price, _units(price, _amount(price, provider, inputs, scenario, bound), bound), bound
        )
    )


def price_lines(price: Price, quantity: Decimal, bound: Bound = Bound.ESTIMATE) -> list[Component]:
    """Cut a quantity into the free part and the tiers, a line each.

    Parameters
    ----------
    quantity
        In the price's units.
    bound
        Which of the rates to take, where there is a choice.
    """
    free = price.free + (price.introductory_free if bound is Bound.LOW else 0)
    lines = [] if free == 0 else [_line(price, min(quantity, free), Decimal(0), price.grade)]
    start = free
    for tier in price.tiers:
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if end > start:
            lines.append(_line(price, end - start, _rate(price, tier.rate, bound), tier.grade))
            start = end
    return lines or [
        _line(price, Decimal(0), _rate(price, price.tiers[0].rate, bound), price.grade)
    ]


def _line(price: Price, quantity: Decimal, rate: Decimal | None, grade: str) -> Component:
    return Component(
        price=price, quantity=quantity, rate=rate, grade="U" if rate is None else grade
    )


def _rate(price: Price, rate: Decimal | None, bound: Bound) -> Decimal | None:
    if bound is Bound.LOW and price.low_rate is not None:
        return price.low_rate
    if bound is Bound.HIGH and price.high_rate is not None:
        return price.high_rate
    return rate


def _amount(
    price: Price, provider: Provider, inputs: BillInputs, scenario: Scenario, bound: Bound
) -> Decimal:
    """Give what the price is multiplied with: bytes, people, hours."""
    match price.measure:
        case Measure.STORED:
            return Decimal(_stored(provider, inputs, bound))
        case Measure.DISK:
            return disk_bytes(_stored(provider, inputs, bound), scenario)
        case Measure.TRAFFIC:
            return egress_bytes(inputs, scenario)
        case Measure.READS:
            return scenario.pulls * inputs.mean_pull_objects
        case Measure.USERS:
            return Decimal(scenario.users)
        case Measure.HOURS:
            return decimal(scenario.days) * 24
        case Measure.DAYS:
            return decimal(scenario.days)
        case Measure.MONTHS:
            return Decimal(1)


def _units(price: Price, amount: Decimal, bound: Bound) -> Decimal:
    sizes = [price.unit_size, price.other_unit_size or price.unit_size]
    # A larger unit makes fewer of them, and a smaller bill.
    size = {Bound.LOW: max(sizes), Bound.HIGH: min(sizes)}.get(bound, price.unit_size)
    units = amount / size
    return units.to_integral_value(ROUND_CEILING) if price.whole_units else units


def _stored(provider: Provider, inputs: BillInputs, bound: Bound) -> int:
    scope = provider.dedup_scope
    if scope == "unknown":
        scope = "repository"
    # Nobody at the vendor says that repositories share nothing: at best, they share everything.
    if bound is Bound.LOW and provider.dedup_grade == "U":
        scope = "registry"
    return inputs.stored_bytes[scope]


def disk_bytes(stored: int, scenario: Scenario) -> Decimal:
    """Give the disk that is bought to store this much."""
    return stored * (1 + decimal(scenario.disk_headroom))


def egress_bytes(inputs: BillInputs, scenario: Scenario) -> Decimal:
    """Give the bytes that leave to the internet in a month."""
    if scenario.egress_gb is not None:
        return decimal(scenario.egress_gb) * GB
    outside = 1 - decimal(scenario.same_region_share)
    return scenario.pulls * inputs.mean_pull_bytes * outside


def _depends(price: Price, scenario: Scenario) -> bool:
    """Say whether this line could be higher if more of the registry had been read."""
    if all(tier.rate == 0 for tier in price.tiers):
        return False
    measured = {Measure.STORED, Measure.DISK, Measure.READS}
    return price.measure in measured or (
        price.measure is Measure.TRAFFIC and scenario.egress_gb is None
    )


def _lacks(provider: Provider, plan: Plan, inputs: BillInputs, scenario: Scenario) -> list[str]:
    """Say in words what the plan cannot hold."""
    stored = _stored(provider, inputs, Bound.ESTIMATE)
    pulls = plan.pulls_per_6_hours
    limits = [
        (scenario.private, plan.private_repositories, inputs.repositories, "private repositories"),
        (True, plan.max_users, scenario.users, "users"),
        (scenario.private, plan.max_private_users, scenario.users, "users of private repositories"),
    ]
    found = [
        f"holds {limit:,} {what}, not {wanted:,}"
        for applies, limit, wanted, what in limits
        if applies and limit is not None and wanted > limit
    ]
    sizes = (
        (plan.max_stored_bytes, Decimal(stored)),
        (plan.max_disk_bytes, disk_bytes(stored, scenario)),
    )
    found += [
        f"holds {format_bytes(limit)}, not {format_bytes(int(wanted))}"
        for limit, wanted in sizes
        if limit is not None and wanted > limit
    ]
    windows = decimal(scenario.days) * _PULL_WINDOWS_A_DAY
    if pulls is not None and scenario.pulls > pulls * windows * scenario.users:
        found.append(f"allows {pulls:,} pulls in 6 hours, too few for {scenario.pulls:,} a month")
    return found


def _notes(
    provider: Provider, plan: Plan, inputs: BillInputs, lines: tuple[Component, ...]
) -> list[str]:
    counted = [line for line in lines if line.quantity]
    missing = sorted({line.price.component for line in counted if line.rate is None})
    unsure = sorted(
        {line.price.component for line in counted if line.rate is not None and line.grade == "U"}
    )
    notes = [*plan.notes, *provider.notes]
    if not inputs.complete:
        notes.insert(0, "Not everything could be read: this bill is a lower bound.")
    if missing:
        notes.insert(0, f"No price is known for: {', '.join(missing)}.")
    if unsure:
        notes.insert(0, f"Priced from an uncertain source: {', '.join(unsure)}.")
    return notes


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
