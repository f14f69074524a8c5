"""Google's prices: the Cloud Billing catalog, which wants an API key.

Source: Google Cloud SDK, description of ``cloudbilling`` v1 (read 2026-11-23). A price is
``units`` (a text) and ``nanos``; a first tier that costs nothing is the free amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from regtools.refresh.quote import Quote, day, in_tiers, number, odd, rows, table
from regtools.registries.listing import Api
from regtools.units import GIB

VENDOR: Final = "Google"
BASE: Final = "https://cloudbilling.googleapis.com"
SERVICE: Final = "Artifact Registry"
SKUS: Final[Mapping[str, str]] = {"Artifact Registry Storage": "artifactregistry/storage"}
_NANO: Final = Decimal("1e-9")
_MOST_PAGES: Final = 200


async def quotes(api: Api, region: str) -> list[Quote]:
    """Find the service, then ask for all that it sells."""
    services = await _pages(api, "/v1/services", "services", "Google's services")
    names = [one.get("name") for one in services if one.get("displayName") == SERVICE]
    if not names:
        raise odd(VENDOR, SERVICE, "service of that name")
    skus = await _pages(api, f"/v1/{names[0]}/skus", "skus", f"the prices of {SERVICE}")
    return read_skus(skus, region=region)


async def _pages(api: Api, path: str, field: str, what: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    token = ""
    for _ in range(_MOST_PAGES):
        parameters: dict[str, str | int] = {"pageSize": 5000}
        if token:
            parameters["pageToken"] = token
        answer = await api.get(path, what=what, parameters=parameters)
        page = table(answer.data, vendor=VENDOR, what=what, field="object")
        found += rows(page.get(field, []), vendor=VENDOR, what=what, field=field)
        token = str(page.get("nextPageToken") or "")
        if not token:
            break
    return found


def read_skus(skus: list[dict[str, object]], *, region: str) -> list[Quote]:
    """Find what is wanted; what is not there is left out."""
    found = []
    for sku in skus:
        key = SKUS.get(str(sku.get("description")))
        regions = sku.get("serviceRegions")
        if key is None or not isinstance(regions, list) or not {"global", region} & set(regions):
            continue
        what = str(sku.get("description"))
        newest = _newest(sku, what)
        expression = table(
            newest.get("pricingExpression"), vendor=VENDOR, what=what, field="pricingExpression"
        )
        rates = rows(expression.get("tieredRates"), vendor=VENDOR, what=what, field="tieredRates")
        free, tiers = in_tiers([_step(rate, what) for rate in rates])
        since = _since(newest, what)
        found.append(
            Quote(
                key=key,
                tiers=tiers,
                free=free,
                source=f"Google Cloud Billing catalog, {what}, in force since {since}",
                checked=since,
                region=region,
                unit_bytes=GIB if str(expression.get("usageUnit")).startswith("GiBy") else None,
            )
        )
    return found


def _newest(sku: Mapping[str, object], what: str) -> dict[str, object]:
    prices = rows(sku.get("pricingInfo"), vendor=VENDOR, what=what, field="pricingInfo")
    if not prices:
        raise odd(VENDOR, what, "pricingInfo")
    return max(prices, key=lambda one: str(one.get("effectiveTime")))


def _since(price: Mapping[str, object], what: str) -> date:
    return day(price.get("effectiveTime"), vendor=VENDOR, what=what, field="effectiveTime")


def _step(rate: Mapping[str, object], what: str) -> tuple[Decimal, Decimal]:
    start = number(
        rate.get("startUsageAmount", 0), vendor=VENDOR, what=what, field="startUsageAmount"
    )
    price = table(rate.get("unitPrice"), vendor=VENDOR, what=what, field="unitPrice")
    whole = number(price.get("units") or 0, vendor=VENDOR, what=what, field="units")
    nanos = number(price.get("nanos", 0), vendor=VENDOR, what=what, field="nanos")
    return start, whole + nanos * _NANO
