"""The sample company is always the same, and its story has what reports are made to find."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from tests.demo.conftest import NOW

from regtools.demo import Company
from regtools.demo.company import State
from regtools.demo.story import CLEANUP_DAY, DAYS, MONTH
from regtools.manifest import (
    DOCKER_MANIFEST,
    INDEX_TYPES,
    Manifest,
    parse_image_config,
    parse_manifest,
)
from regtools.reference import Digest, TagKind, classify_tag, parse_repository, parse_tag


def read(company: Company, digest: Digest) -> Manifest:
    served = company.manifest(digest)
    return parse_manifest(served.body, served.media_type, digest)


class Sizes:
    """Adds up bytes as the design defines them, apart from the code that reports use."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.below = cache(self._below)

    def _below(self, digest: Digest) -> dict[Digest, int]:
        manifest = read(self._company, digest)
        parts = [*manifest.layers, *([manifest.config] if manifest.config else [])]
        found = {digest: manifest.size, **{part.digest: part.size or 0 for part in parts}}
        for child in manifest.children:
            found |= self.below(child.digest)
        return found

    def logical(self, state: State) -> int:
        return sum(sum(self.below(d).values()) for tags in state.values() for d in tags.values())

    def physical(self, state: State) -> int:
        stored: dict[Digest, int] = {}
        for tags in state.values():
            for digest in tags.values():
                stored |= self.below(digest)
        return sum(stored.values())


@pytest.fixture(scope="module")
def sizes(company: Company) -> Sizes:
    return Sizes(company)


def day(company: Company, number: float) -> datetime:
    return company.first_day + timedelta(days=number)


def test_the_same_moment_gives_the_same_company(company: Company) -> None:
    assert Company(NOW).events == company.events


def test_another_moment_gives_other_dates_but_the_same_sizes(company: Company) -> None:
    later = Company(NOW + timedelta(days=100))
    one = sorted(blob.size for blob in company.blobs() if blob.size > 2_000_000)
    other = sorted(blob.size for blob in later.blobs() if blob.size > 2_000_000)
    assert one == other
    assert later.events[0].at > company.events[0].at


def test_nothing_happens_after_the_end_and_nothing_at_a_weekend(company: Company) -> None:
    assert max(event.at for event in company.events) <= NOW
    assert {event.at.weekday() for event in company.events if event.digest} <= set(range(5))


def test_the_registry_is_of_a_believable_size(company: Company, sizes: Sizes) -> None:
    state = company.state(NOW)
    tags = sum(len(tags) for tags in state.values())
    assert len(state) == 36
    assert 1_500 <= tags <= 3_000
    assert 400e9 <= sizes.logical(state) <= 700e9
    assert 150e9 <= sizes.physical(state) <= 300e9


def test_names_are_what_the_grammar_allows(company: Company) -> None:
    for repository, tags in company.state(NOW).items():
        assert parse_repository(repository) == repository
        assert [parse_tag(tag) for tag in tags] == list(tags)


def test_every_manifest_and_config_is_what_its_digest_says(company: Company) -> None:
    for tags in company.state(NOW).values():
        for digest in tags.values():
            manifest = read(company, digest)
            assert company.manifest(digest).digest == digest
            for part in (*manifest.layers, *([manifest.config] if manifest.config else ())):
                assert company.blob(part.digest).size == part.size
            for child in manifest.children:
                assert company.manifest(child.digest).size == child.size


def test_an_image_tells_when_it_was_built_and_what_is_in_it(company: Company) -> None:
    image = read(company, company.state(NOW)["freight/booking-api"]["latest"])
    assert image.config is not None
    config = parse_image_config(b"".join(company.blob(image.config.digest).read()))
    assert config.platform == "linux/amd64"
    assert config.created_at is not None
    assert NOW - timedelta(days=14) < config.created_at < NOW
    layers = [company.blob(part.digest) for part in image.layers]
    assert [getattr(layer, "diff_id", "") for layer in layers] == list(config.diff_ids)


def test_no_size_of_a_layer_is_round(company: Company) -> None:
    sizes = [blob.size for blob in company.blobs() if blob.size > 2_000_000]
    assert sum(size % 1000 == 0 for size in sizes) < len(sizes) / 100


def test_services_share_the_layers_of_their_base(company: Company) -> None:
    state = company.state(NOW)
    lowest = [
        read(company, state[name]["latest"]).layers[0].digest
        for name in ("freight/billing", "freight/customs", "web/portal", "data/airflow")
    ]
    assert len(set(lowest)) < len(lowest)


def test_the_model_arrives_in_month_11_and_makes_most_of_the_growth(
    company: Company, sizes: Sizes
) -> None:
    before, after = company.state(day(company, 10 * MONTH)), company.state(NOW)
    assert "ml/eta-model" not in before
    weights = [
        layer.size or 0
        for digest in after["ml/eta-model"].values()
        for layer in read(company, digest).layers[-1:]
    ]
    assert min(weights) > 4e9
    assert max(weights) < 6e9
    grown = sizes.physical(after) - sizes.physical(before)
    own = sizes.physical({"ml/eta-model": after["ml/eta-model"]})
    assert own > grown / 2


def test_the_clean_up_of_month_8_frees_space_once(company: Company, sizes: Sizes) -> None:
    weeks = [company.state(day(company, week * 7)) for week in range(DAYS // 7)]
    stored = [sizes.physical(state) for state in weeks]
    shrunk = [week for week, (one, two) in enumerate(pairwise(stored)) if two < one]
    assert shrunk == [(CLEANUP_DAY - 1) // 7]
    assert 7 <= CLEANUP_DAY / MONTH <= 8


def test_the_clean_up_forgets_signatures(company: Company) -> None:
    tags = company.state(NOW)["platform/gateway"]
    signed = {tag.removesuffix(".sig") for tag in tags if tag.endswith(".sig")}
    present = {digest.replace(":", "-") for digest in tags.values()}
    assert signed & present
    assert signed - present


def test_a_repository_is_left_without_tags(company: Company) -> None:
    assert company.state(day(company, 5 * MONTH))["web/spike-maps"]
    assert company.state(NOW)["web/spike-maps"] == {}


def test_a_repository_is_forgotten(company: Company) -> None:
    digests = company.state(NOW)["legacy/rates-importer"].values()
    assert digests
    assert max(e.at for e in company.events if e.repository == "legacy/rates-importer") < day(
        company, -80
    )
    assert {read(company, digest).media_type for digest in digests} == {DOCKER_MANIFEST}


def test_latest_moves_and_commits_pile_up(company: Company) -> None:
    one, other = company.state(day(company, 300)), company.state(NOW)
    assert one["web/portal"]["latest"] != other["web/portal"]["latest"]
    kinds = Counter(classify_tag(tag) for tag in other["ci/portal"])
    assert kinds[TagKind.COMMIT] > 150
    assert len(other["ci/portal"]) > 2 * len(one["ci/portal"])


def test_images_of_two_platforms_have_attestations(company: Company) -> None:
    index = read(company, company.state(NOW)["platform/gateway"]["latest"])
    assert index.media_type in INDEX_TYPES
    platforms = [child.platform for child in index.children]
    assert platforms == ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
    assert [c.attests for c in index.children[2:]] == [c.digest for c in index.children[:2]]


def test_signatures_sboms_and_charts_are_artifacts(company: Company) -> None:
    state = company.state(NOW)
    auth = state["platform/auth"]
    fallback = next(tag for tag in auth if re.fullmatch(r"sha256-[0-9a-f]{64}", tag))
    (entry,) = read(company, auth[fallback]).children
    sbom = read(company, entry.digest)
    assert sbom.subject == fallback.replace("-", ":")
    assert sbom.artifact_type == "application/spdx+json"
    chart = read(company, next(iter(state["charts/harbourline"].values())))
    assert chart.artifact_type == "application/vnd.cncf.helm.config.v1+json"
    assert chart.created_at is not None
