"""The three vendors' price APIs, in the shape of their documentation's samples."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_registry import Answer, FakeRegistry, Seen
from tests.support.vendors.server import as_json

FOLDER = Path(__file__).parents[1] / "data" / "vendors"
SAMPLES: Any = json.loads((FOLDER / "price_api_samples.json").read_text())
MESSAGES: Any = json.loads((FOLDER / "gcp_cloudbilling_v1_subset.json").read_text())["messages"]
KEY = "AIza-not-a-real-key"


def sample(name: str) -> Any:
    """Give a copy of a sample, to be changed."""
    return copy.deepcopy(SAMPLES[name])


class AwsPrices(FakeRegistry):
    """Offer files by offer and region; each line is a usage type and its tiers."""

    def __init__(self) -> None:
        super().__init__()
        self.published = "2026-11-20T10:00:00Z"
        self.offers: dict[str, list[tuple[str, list[tuple[str, str, str]]]]] = {
            "AmazonECR": [
                ("TimedStorage-ByteHrs", [("0", "Inf", "0.1100000000")]),
                (
                    "Archive-TimedStorage-ByteHrs",
                    [("0", "153600", "0.09"), ("153600", "Inf", "0.06")],
                ),
                ("DataTransfer-Out-Bytes", [("0", "Inf", "0.99")]),
            ],
            "AmazonS3": [
                (
                    "TimedStorage-ByteHrs",
                    [
                        ("0", "51200", "0.0230"),
                        ("51200", "512000", "0.022"),
                        ("512000", "Inf", "0.021"),
                    ],
                ),
                ("Requests-Tier1", [("0", "Inf", "0.0000050000")]),
                ("Requests-Tier2", [("0", "Inf", "0.0000004000")]),
            ],
            "AmazonVPC": [("PublicIPv4:InUseAddress", [("0", "Inf", "0.0050000000")])],
            "AWSDataTransfer": [
                (
                    "DataTransfer-Out-Bytes",
                    [
                        ("0", "10240", "0.09"),
                        ("10240", "51200", "0.085"),
                        ("51200", "153600", "0.07"),
                        ("153600", "Inf", "0.05"),
                    ],
                ),
            ],
        }

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path).path.split("/")
        if (
            len(parts) != 8
            or parts[:4] != ["", "offers", "v1.0", "aws"]
            or parts[4] not in self.offers
        ):
            return Answer(404, b"<Error>NoSuchKey</Error>")
        return as_json(self.file(parts[4], parts[6]))

    def file(self, offer: str, region: str) -> Any:
        """Make an offer's file, as the documentation shows it."""
        made = sample("aws_offer_file")
        (product,) = made["products"].values()
        ((_, term),) = made["terms"]["OnDemand"].popitem()[1].items()
        made |= {"offerCode": offer, "publicationDate": self.published}
        made["products"], made["terms"]["OnDemand"] = {}, {}
        mark = "" if region == "us-east-1" else "EUC1-"
        for number, (usage, tiers) in enumerate(self.offers[offer]):
            sku = f"SKU{number}"
            own = copy.deepcopy(product)
            own["attributes"] |= {"usagetype": f"{mark}{usage}", "regionCode": region}
            made["products"][sku] = own | {"sku": sku}
            dimension = next(iter(term["priceDimensions"].values()))
            dimensions = {
                f"{sku}.T.{place}": dimension
                | {"beginRange": start, "endRange": end, "pricePerUnit": {"USD": usd}}
                for place, (start, end, usd) in enumerate(tiers)
            }
            made["terms"]["OnDemand"][sku] = {f"{sku}.T": term | {"priceDimensions": dimensions}}
        return made


class AzurePrices(FakeRegistry):
    """Retail prices, a few items a page."""

    def __init__(self, page: int = 2) -> None:
        super().__init__()
        self.page = page
        self.address = ""
        self.meters: list[tuple[str, float, float]] = [
            ("Basic Registry Unit", 0, 0.1666),
            ("Task vCPU Duration", 0, 0.0001),
            ("Standard Registry Unit", 0, 0.6666),
            ("Premium Registry Unit", 0, 1.7),
            ("Data Stored", 0, 0.1),
        ]

    def _content(self, seen: Seen) -> Answer:
        query = {name: values[-1] for name, values in parse_qs(urlsplit(seen.path).query).items()}
        assert "serviceName eq 'Container Registry'" in query["$filter"]
        start = int(query.get("$skip", 0))
        made = sample("azure_retail")
        item = made["Items"][0]
        chosen = self.meters[start : start + self.page]
        made["Items"] = [
            item | {"meterName": name, "tierMinimumUnits": tier, "retailPrice": usd}
            for name, tier, usd in chosen
        ]
        more = start + self.page < len(self.meters)
        following = f"{self.address}{seen.path.partition('&$skip')[0]}&$skip={start + self.page}"
        made |= {"Count": len(chosen), "NextPageLink": following if more else None}
        return as_json(made)


class GooglePrices(FakeRegistry):
    """The billing catalog: services and SKUs, one a page, for whoever shows the key."""

    def __init__(self) -> None:
        super().__init__()
        self.services = ["Compute Engine", "Artifact Registry"]
        self.skus = [sample("gcp_sku")["skus"][0]]
        other = sample("gcp_sku")["skus"][0]
        self.skus.insert(
            0, other | {"description": "Artifact Registry Network Inter Region Egress"}
        )

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        assert "key" not in query
        if seen.headers.get("x-goog-api-key") != KEY:
            return as_json({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, 403)
        if parts.path == "/v1/services":
            field, every = (
                "services",
                [
                    {"name": f"services/{place}", "displayName": name, "serviceId": str(place)}
                    for place, name in enumerate(self.services)
                ],
            )
            kind = "Service"
        else:
            assert parts.path == "/v1/services/1/skus"
            field, every, kind = "skus", self.skus, "Sku"
        place = int(query.get("pageToken") or 0)
        for one in every:
            assert set(one) <= set(MESSAGES[kind]["fields"]), kind
        more = place + 1 < len(every)
        return as_json(
            {field: every[place : place + 1], "nextPageToken": str(place + 1) if more else ""}
        )
