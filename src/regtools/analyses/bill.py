"""The arithmetic of a bill: quantities times rates, tier by tier, in decimals.

Nothing here reads a history or a file. Each bill is made three times: as estimated, and with
everything that is not certain (what a unit means, a rate with a choice, whether repositories
share their layers) at its lowest and at its highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import Enum, auto
from typing import Final

from regtools.analyses.book import GRADES, Measure, Plan, Price, Provider, Tier
from regtools.analyses.scenario import (
    BillInputs,
    Scenario,
    decimal,
    disk_bytes,
    egress_bytes,
    private_repositories,
    pulls_a_month,
)
from regtools.units import cents, format_bytes

_CENT: Final = Decimal("0.01")
_PULL_WINDOWS_A_DAY: Final = 4  # of six hours, Docker Hub's measure
_LOWER_BOUND: Final = "Not everything could be read: this bill is at least so high."
_PARTIAL: Final = "Not everything could be read: this plan may not hold what is missing."


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

    def to_dict(self, usd: Decimal | None) -> dict[str, object]:
        """Give plain values.

        Parameters
        ----------
        usd
            The amount in whole cents, as the bill shares them out.
        """
        price = self.price
        return {
            "name": price.component,
            "quantity": float(self.quantity),
            "unit": price.unit,
            "unit_price_usd": None if self.rate is None else float(self.rate),
            "usd": None if usd is None else float(usd),
            "source": price.source,
            "checked": price.checked.isoformat() if price.checked else "undated",
            "grade": self.grade,
            "note": price.note,
            "price": price.key,
            "exact_usd": _exact(self.usd),
        }


def _exact(number: Decimal | None) -> str | None:
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month with one plan. Its bounds are worked out when somebody asks: most bills are only
    compared."""

    provider: Provider
    plan: Plan
    inputs: BillInputs
    scenario: Scenario
    components: tuple[Component, ...]
    """As estimated."""
    why_not: tuple[str, ...]
    """What of the workload the plan does not hold; empty: it holds all."""

    @property
    def monthly_usd(self) -> Decimal | None:
        """The sum to the cent, None where a rate is missing."""
        return _total(self.components)

    @property
    def low_usd(self) -> Decimal:
        """The least it can be."""
        low = self._with(Bound.LOW)
        return cents(sum((line.usd or Decimal(0) for line in low), Decimal(0)))

    @property
    def high_usd(self) -> Decimal | None:
        """The most it can be; None: nobody can say how high."""
        return None if self._grows else _total(self._with(Bound.HIGH))

    @property
    def stored_bytes(self) -> int:
        """What this provider would store."""
        return _stored(self.provider, self.inputs, Bound.ESTIMATE)

    @property
    def complete(self) -> bool:
        """Whether everything was read that it is made for."""
        return self.inputs.complete

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        caution = [] if self.complete else [_LOWER_BOUND if self._grows else _PARTIAL]
        return (*caution, *_notes(self.plan, self.provider, self.components))

    @property
    def _grows(self) -> bool:
        return not self.complete and any(
            _depends(own, self.scenario)
            for price in self.plan.prices
            if (own := priced(price, self.scenario)) is not None
        )

    def _with(self, bound: Bound) -> tuple[Component, ...]:
        return _components(self.provider, self.plan, self.inputs, self.scenario, bound)

    def lines(self) -> list[dict[str, object]]:
        """Give the components as plain values, in cents that add up to `monthly_usd`."""
        shares = in_cents([line.usd for line in self.components])
        return [line.to_dict(usd) for line, usd in zip(self.components, shares, strict=True)]

    @property
    def grade(self) -> str:
        """The worst grade of what this bill stands on."""
        return max(
            (line.grade for line in self.components if line.quantity), default="A", key=GRADES.index
        )


def in_cents(amounts: Sequence[Decimal | None]) -> list[Decimal | None]:
    """Round amounts to cents that add up to their sum's cents: the largest remainders round up.

    Examples
    --------
    >>> [str(share) for share in in_cents([Decimal("0.004")] * 3)]
    ['0.01', '0.00', '0.00']
    """
    known = [(place, amount) for place, amount in enumerate(amounts) if amount is not None]
    down = {place: amount.quantize(_CENT, ROUND_FLOOR) for place, amount in known}
    total = cents(sum((amount for _, amount in known), Decimal(0)))
    left = int((total - sum(down.values(), Decimal(0))) / _CENT)
    for place, _ in sorted(known, key=lambda one: down[one[0]] - one[1])[:left]:
        down[place] += _CENT
    return [down.get(place) for place in range(len(amounts))]


def make_bill(provider: Provider, plan: Plan, inputs: BillInputs, scenario: Scenario) -> Bill:
    """Price a workload with one plan."""
    return Bill(
        provider=provider,
        plan=plan,
        inputs=inputs,
        scenario=scenario,
        components=_components(provider, plan, inputs, scenario, Bound.ESTIMATE),
        why_not=tuple(_lacks(provider, plan, inputs, scenario)),
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
        if (own := priced(price, scenario)) is not None
        for line in price_lines(
            own, _units(own, _amount(own, plan, provider, inputs, scenario, bound), bound), bound
        )
    )


def priced(price: Price, scenario: Scenario) -> Price | None:
    """Give a price with its rate, where that is the user's own; None where they gave none."""
    if not price.rate_from:
        return price
    rate = getattr(scenario, price.rate_from)
    if rate is None:
        return None
    return replace(price, tiers=(Tier(up_to=None, rate=decimal(rate), grade=price.grade),))


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
    price: Price,
    plan: Plan,
    provider: Provider,
    inputs: BillInputs,
    scenario: Scenario,
    bound: Bound,
) -> Decimal:
    """Give what the price is multiplied with: bytes, people, hours."""
    copies = scenario.regions if price.per_region else 1
    return copies * _amount_once(price, plan, provider, inputs, scenario, bound)


def _amount_once(
    price: Price,
    plan: Plan,
    provider: Provider,
    inputs: BillInputs,
    scenario: Scenario,
    bound: Bound,
) -> Decimal:
    archived = decimal(scenario.archived_share) if plan.archives else Decimal(0)
    match price.measure:
        case Measure.STORED:
            return _stored(provider, inputs, bound) * (1 - archived)
        case Measure.ARCHIVED:
            return _stored(provider, inputs, bound) * archived
        case Measure.LABOUR:
            return decimal(scenario.labour_hours)
        case Measure.DISK:
            return disk_bytes(_stored(provider, inputs, bound), scenario)
        case Measure.TRAFFIC:
            return egress_bytes(inputs, scenario)
        case Measure.CONSUMPTION:
            return _stored(provider, inputs, bound) + egress_bytes(inputs, scenario)
        case Measure.READS:
            return pulls_a_month(inputs, scenario) * inputs.mean_pull_objects
        case Measure.USERS:
            return Decimal(scenario.users)
        case Measure.HOURS:
            return decimal(scenario.days) * 24
        case Measure.DAYS:
            return decimal(scenario.days)
        case Measure.MONTHS:
            return Decimal(1)


def _units(price: Price, amount: Decimal, bound: Bound) -> Decimal:
    size = price.unit_size
    if bound is not Bound.ESTIMATE and price.other_unit_size:
        # A larger unit makes fewer of them, and a smaller bill.
        widest = max if bound is Bound.LOW else min
        size = widest(size, price.other_unit_size)
    units = amount / size
    if price.round_to is not None:
        return round_to(units, price.round_to)
    return units.to_integral_value(ROUND_CEILING) if price.whole_units else units


def round_to(units: Decimal, step: Decimal) -> Decimal:
    """Round to a multiple, halves up: what GitHub does with MB and GB.

    Examples
    --------
    >>> print(round_to(Decimal("9.0967"), Decimal("0.001")))
    9.097
    """
    return (units / step).to_integral_value(ROUND_HALF_UP) * step


def unit_months(
    spans: Iterable[tuple[Decimal, Decimal]], *, month_days: int, step: Decimal | None = None
) -> Decimal:
    """Add up what was stored for parts of a month, as vendors do on an invoice.

    Parameters
    ----------
    spans
        Units, and the days for which they were stored.
    month_days
        Days of the month: 28 to 31, or what the vendor counts for any.
    step
        The total is rounded to a multiple of this.

    Examples
    --------
    GitHub's own example: 3 GB for 10 days and 12 GB for 21 days of March.

    >>> spans = [(Decimal(3), Decimal(10)), (Decimal(12), Decimal(21))]
    >>> print(unit_months(spans, month_days=31, step=Decimal("0.001")))
    9.097
    """
    total = sum((units * days for units, days in spans), Decimal(0)) / month_days
    return total if step is None else round_to(total, step)


def _stored(provider: Provider, inputs: BillInputs, bound: Bound) -> int:
    scope = provider.dedup_scope
    if scope == "unknown":
        scope = "repository"
    if scope == "version":
        return inputs.stored_bytes["version"]
    # Nobody at the vendor says that repositories share nothing: at best, they share everything.
    if bound is Bound.LOW and provider.dedup_grade == "U":
        scope = "registry"
    return inputs.stored_bytes[scope]


def _depends(price: Price, scenario: Scenario) -> bool:
    """Say whether this line could be higher if more of the registry had been read."""
    if all(tier.rate == 0 for tier in price.tiers):
        return False
    measured = {
        Measure.STORED,
        Measure.ARCHIVED,
        Measure.DISK,
        Measure.READS,
        Measure.CONSUMPTION,
    }
    return price.measure in measured or (
        price.measure is Measure.TRAFFIC and scenario.egress_gb is None
    )


def _lacks(provider: Provider, plan: Plan, inputs: BillInputs, scenario: Scenario) -> list[str]:
    """Say in words what the plan cannot hold."""
    found = [plan.withdrawn] if plan.withdrawn else []
    found += [
        f"{what}: at most {limit:,}, here {wanted:,}"
        for what, limit, wanted in (
            (
                "private repositories",
                plan.private_repositories,
                private_repositories(inputs, scenario),
            ),
            ("repositories", plan.max_repositories, inputs.repositories),
            ("regions", plan.max_regions, scenario.regions),
            ("users", plan.max_users, scenario.users),
            (
                "users of private repositories",
                plan.max_private_users if private_repositories(inputs, scenario) else None,
                scenario.users,
            ),
            ("pulls a month", _most_pulls(plan, scenario), int(pulls_a_month(inputs, scenario))),
        )
        if limit is not None and wanted > limit
    ]
    stored = _stored(provider, inputs, Bound.ESTIMATE)
    found += [
        f"{what}: at most {format_bytes(limit)}, here {format_bytes(int(wanted))}"
        for what, limit, wanted in (
            ("storage", plan.max_stored_bytes, Decimal(stored)),
            ("disk", plan.max_disk_bytes, disk_bytes(stored, scenario)),
        )
        if limit is not None and wanted > limit
    ]
    return found


def _most_pulls(plan: Plan, scenario: Scenario) -> int | None:
    """Give the pulls that a limit by the six hours lets through if they come evenly."""
    if plan.pulls_per_6_hours is None:
        return None
    windows = decimal(scenario.days) * _PULL_WINDOWS_A_DAY
    return int(plan.pulls_per_6_hours * windows) * scenario.users


def _notes(plan: Plan, provider: Provider, lines: tuple[Component, ...]) -> list[str]:
    counted = [line for line in lines if line.quantity]
    missing = sorted({line.price.component for line in counted if line.rate is None})
    unsure = sorted(
        {line.price.component for line in counted if line.rate is not None and line.grade == "U"}
    )
    notes = []
    if missing:
        notes.append(f"No price is known for: {', '.join(missing)}.")
    if unsure:
        notes.append(f"Priced from an uncertain source: {', '.join(unsure)}.")
    return [*notes, *plan.notes, *provider.notes]
