"""Tables of ``regtools.toml`` laid over price files, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from regtools.analyses._price_file import Section

Tables = Mapping[str, tuple[str, dict[str, object]]]
_NUMBERS: Final = frozenset({"rate", "tiers", "free", "low_rate", "high_rate"})
_RATES: Final = frozenset({"rate", "tiers", "low_rate", "high_rate"})
_WHERE: Final = "prices.{} of the settings"


def laid_over(
    tables: Tables, overrides: Mapping[str, object]
) -> dict[str, tuple[str, dict[str, object]]]:
    """Give each provider's table with the user's own laid over it.

    A price of the user's that changes a number must say its source and date itself: those of the
    book are not where it comes from.

    Raises
    ------
    ConfigError
        Code ``PRICE_BOOK_INVALID``.
    """
    found = dict(tables)
    for key, own in overrides.items():
        where = _WHERE.format(key)
        if not isinstance(own, dict):
            raise Section(where, {}).error(f"must be a table, not {own!r}")
        table = _decimals(own)
        name, before = found.get(key, (where, {"provider": key, "title": key}))
        found[key] = (
            f"{name} under {where}" if key in tables else where,
            _laid(before, table, where),
        )
    return found


def _laid(before: Mapping[str, Any], own: Mapping[str, Any], where: str) -> dict[str, object]:
    after = {
        **before,
        **{key: value for key, value in own.items() if key not in ("prices", "plans")},
    }
    if "prices" in own:
        after["prices"] = {
            **before.get("prices", {}),
            **_prices(before.get("prices", {}), own["prices"], where),
        }
    if "plans" in own:
        after["plans"] = _plans(before.get("plans", []), own["plans"], where)
    return after


def _prices(before: Mapping[str, Any], own: Any, where: str) -> dict[str, object]:
    if not isinstance(own, dict):
        raise Section(where, {}).error(f"needs a table for 'prices', not {own!r}")
    return {
        name: _price(before.get(name), table, f"{where}, prices.{name}")
        for name, table in own.items()
    }


def _price(before: Mapping[str, Any] | None, own: Any, where: str) -> dict[str, object]:
    if not isinstance(own, dict):
        raise Section(where, {}).error(f"must be a table, not {own!r}")
    if before is None:
        return {"grade": "A", **own}
    if not _NUMBERS & own.keys():
        return {**before, **own}
    missing = sorted({"source", "checked"} - own.keys())
    if missing:
        raise Section(where, {}).error(
            f"changes a number and needs its own {' and '.join(missing)}"
        )
    gone = _RATES if _RATES & own.keys() else frozenset()
    kept = {key: value for key, value in before.items() if key not in gone}
    return {**kept, "grade": "A", **own}


def _plans(before: Any, own: Any, where: str) -> list[object]:
    if not isinstance(own, list) or not all(isinstance(plan, dict) for plan in own):
        raise Section(where, {}).error(f"needs a list of tables for 'plans', not {own!r}")
    changed = {plan.get("name"): plan for plan in own}
    kept = [{**plan, **changed.pop(plan.get("name"), {})} for plan in before]
    return [*kept, *changed.values()]


def _decimals(value: Any) -> Any:
    """Take fractions as they are written: 0.1 is a tenth."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _decimals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decimals(item) for item in value]
    return value
