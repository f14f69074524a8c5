"""Microsoft's prices: the Azure Retail Prices API, page by page.

Source: learn.microsoft.com, "Azure Retail Prices overview" (read 2026-11-23). Values in a filter
are case-sensitive; a meter with tiers is several items.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from regtools.refresh.quote import Quote, day, in_tiers, number, rows, table
from regtools.registries.listing import Api

VENDOR: Final = "Azure"
BASE: Final = "https://prices.azure.com"
METERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Basic Registry Unit": ("acr/unit-basic",),
    "Standard Registry Unit": ("acr/unit-standard",),
    "Premium Registry Unit": ("acr/unit-premium",),
    "Data Stored": ("acr/storage-basic", "acr/storage-standard", "acr/storage-premium"),
}
_MOST_PAGES: Final = 100


async def quotes(api: Api, region: str) -> list[Quote]:
    """Ask for the meters of the container registry in a region, all pages."""
    what = f"the prices of Container Registry in {region}"
    parameters = {
        "api-version": "2023-01-01-preview",
        "currencyCode": "'USD'",
        "$filter": "serviceName eq 'Container Registry' and "
        f"armRegionName eq '{region}' and priceType eq 'Consumption'",
    }
    answer = await api.get("/api/retail/prices", what=what, parameters=parameters)
    items: list[dict[str, object]] = []
    for _ in range(_MOST_PAGES):
        page = table(answer.data, vendor=VENDOR, what=what, field="object")
        items += rows(page.get("Items"), vendor=VENDOR, what=what, field="Items")
        following = page.get("NextPageLink")
        if not following:
            break
        answer = await api.get(str(following), what=what)
    return read_items(items, region=region)


def read_items(items: list[dict[str, object]], *, region: str) -> list[Quote]:
    """Find the meters that are wanted; what is not there is left out."""
    found = []
    for meter, keys in METERS.items():
        steps: dict[Decimal, Decimal] = {}
        days: list[date] = []
        for item in items:
            if item.get("meterName") != meter or item.get("type", "Consumption") != "Consumption":
                continue
            start = number(
                item.get("tierMinimumUnits", 0), vendor=VENDOR, what=meter, field="tierMinimumUnits"
            )
            steps[start] = number(
                item.get("retailPrice"), vendor=VENDOR, what=meter, field="retailPrice"
            )
            days.append(
                day(
                    item.get("effectiveStartDate"),
                    vendor=VENDOR,
                    what=meter,
                    field="effectiveStartDate",
                )
            )
        if steps:
            _, tiers = in_tiers(list(steps.items()))
            found += [
                Quote(
                    key=key,
                    tiers=tiers,
                    free=None,
                    source=f"Azure Retail Prices API, meter {meter}, in force since {max(days)}",
                    checked=max(days),
                    region=region,
                )
                for key in keys
            ]
    return found
