"""Amazon's prices: the bulk files of the AWS Price List, one an offer and region.

Source: AWS Billing, "Getting price list files manually" (read 2026-11-23). Numbers are texts, the
end of a range may be ``Inf``; the names of usage begin with the region but for us-east-1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from regtools.refresh.quote import Quote, day, number, odd, table
from regtools.registries.listing import Api

VENDOR: Final = "AWS"
BASE: Final = "https://pricing.us-east-1.amazonaws.com"
_THOUSAND: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One price of the book, and how to know it in an offer."""

    key: str
    is_it: Callable[[str, Mapping[str, object]], bool]
    """From the name of the usage without its region, and the other attributes."""
    units: int = 1
    """How many of Amazon's units one of the book's is."""


def _standard(usage: str, attributes: Mapping[str, object]) -> bool:
    return (
        usage == "TimedStorage-ByteHrs" and attributes.get("volumeType", "Standard") == "Standard"
    )


OFFERS: Final[Mapping[str, tuple[Wanted, ...]]] = {
    "AmazonECR": (
        Wanted(key="ecr/storage", is_it=lambda usage, _: usage == "TimedStorage-ByteHrs"),
        Wanted(
            key="ecr/archive",
            is_it=lambda usage, _: "archive" in usage.lower() and usage.endswith("-ByteHrs"),
        ),
    ),
    "AmazonS3": (
        Wanted(key="aws/s3", is_it=_standard),
        Wanted(key="aws/s3-get", is_it=lambda usage, _: usage == "Requests-Tier2", units=_THOUSAND),
    ),
    "AmazonVPC": (
        Wanted(key="aws/public-ipv4", is_it=lambda usage, _: usage == "PublicIPv4:InUseAddress"),
    ),
    "AWSDataTransfer": (
        Wanted(
            key="aws/traffic",
            is_it=lambda usage, about: (
                usage == "DataTransfer-Out-Bytes"
                and about.get("transferType", "AWS Outbound") == "AWS Outbound"
            ),
        ),
    ),
}


async def quotes(api: Api, region: str) -> list[Quote]:
    """Ask for every offer, one file each."""
    found: list[Quote] = []
    for offer, wanted in OFFERS.items():
        path = f"/offers/v1.0/aws/{offer}/current/{region}/index.json"
        answer = await api.get(path, what=f"the prices of {offer} in {region}")
        found += read_offer(answer.data, offer=offer, wanted=wanted, region=region)
    return found


def read_offer(data: object, *, offer: str, wanted: tuple[Wanted, ...], region: str) -> list[Quote]:
    """Find the prices that are wanted in an offer's file; what is not there is left out."""
    file = table(data, vendor=VENDOR, what=offer, field="object")
    published = day(file.get("publicationDate"), vendor=VENDOR, what=offer, field="publicationDate")
    products = table(file.get("products"), vendor=VENDOR, what=offer, field="products")
    terms = table(file.get("terms"), vendor=VENDOR, what=offer, field="terms")
    on_demand = table(terms.get("OnDemand"), vendor=VENDOR, what=offer, field="terms.OnDemand")
    found = []
    for one in wanted:
        skus = [sku for sku, product in products.items() if _is(one, product, offer)]
        steps = [step for sku in skus for step in _steps(on_demand.get(sku), offer)]
        if len({start for start, _ in steps}) != len(steps):
            raise odd(VENDOR, f"{one.key} of {offer}", "price: there are several")
        if not steps:
            continue
        ordered = sorted(steps)
        ends = [*(start for start, _ in ordered[1:]), None]
        found.append(
            Quote(
                key=one.key,
                tiers=tuple(
                    (end, rate * one.units) for (_, rate), end in zip(ordered, ends, strict=True)
                ),
                free=None,
                source=f"AWS Price List, {offer}, published {published}",
                checked=published,
                region=region,
            )
        )
    return found


def _is(wanted: Wanted, product: object, offer: str) -> bool:
    about = table(product, vendor=VENDOR, what=offer, field="product").get("attributes")
    attributes = table(about, vendor=VENDOR, what=offer, field="attributes")
    usage = str(attributes.get("usagetype", ""))
    head, dash, rest = usage.partition("-")
    # "EUC1-TimedStorage-ByteHrs": a region's mark is of capitals and digits.
    plain = rest if dash and head.isupper() and any(sign.isdigit() for sign in head) else usage
    return wanted.is_it(plain, attributes)


def _steps(terms: object, offer: str) -> list[tuple[Decimal, Decimal]]:
    """Give where each rate begins, and the rate."""
    if terms is None:
        return []
    steps = []
    for term in table(terms, vendor=VENDOR, what=offer, field="term").values():
        dimensions = table(term, vendor=VENDOR, what=offer, field="term").get("priceDimensions")
        for one in table(dimensions, vendor=VENDOR, what=offer, field="priceDimensions").values():
            line = table(one, vendor=VENDOR, what=offer, field="priceDimension")
            prices = table(
                line.get("pricePerUnit"), vendor=VENDOR, what=offer, field="pricePerUnit"
            )
            rate = number(prices.get("USD"), vendor=VENDOR, what=offer, field="pricePerUnit.USD")
            start = number(line.get("beginRange"), vendor=VENDOR, what=offer, field="beginRange")
            steps.append((start, rate))
    return steps
