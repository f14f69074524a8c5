"""Harbourline's registry at any moment of 18 months, from its story, always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from regtools.demo.content import Blob, Document, Layer, layer
from regtools.demo.images import Build, Shelf, referrer_tag, revision
from regtools.demo.story import CLEANUP_DAY, DAYS, HARBOURLINE, Base, Chart, Service, Story
from regtools.reference import Digest

REBUILD_DAYS: Final = 365.25 / 12
"""How far apart the rebuilds of a base image are."""
KEPT_RELEASES: Final = 8
"""What the clean-up of month 8 leaves of each service, at least."""
KEPT_DAYS: Final = {"version": 60, "date": 60, "commit": 14}
MOVING: Final = frozenset({"latest", "main", "stable"})
"""Tags that name another image after each build."""

State = Mapping[str, Mapping[str, Digest]]
"""Repository → tag → digest, both sorted."""


@dataclass(frozen=True, slots=True)
class Event:
    """A tag is set, or deleted where there is no digest."""

    at: datetime
    repository: str
    tag: str
    digest: Digest | None


class Company:
    """A registry's content over time.

    Parameters
    ----------
    now
        When the story ends. Names and dates follow it; all else is always the same.
    story
        Who builds what.
    """

    def __init__(self, now: datetime, *, story: Story = HARBOURLINE) -> None:
        self.now = now.astimezone(UTC)
        self.first_day = self.now - timedelta(days=DAYS)
        self._shelf = Shelf()
        told = _Teller(self, self._shelf, story).events()
        self.events: Sequence[Event] = sorted(
            (event for event in told if event.at <= self.now), key=lambda event: event.at
        )

    def state(self, at: datetime) -> State:
        """Tell which tags there are at a moment; a repository stays when its last tag goes."""
        repositories: dict[str, dict[str, Digest]] = {}
        for event in self.events:
            if event.at > at:
                break
            tags = repositories.setdefault(event.repository, {})
            if event.digest is None:
                tags.pop(event.tag, None)
            else:
                tags[event.tag] = event.digest
        return {name: dict(sorted(tags.items())) for name, tags in sorted(repositories.items())}

    def manifest(self, digest: Digest) -> Document:
        """Give a manifest or index with its bytes."""
        return self._shelf.manifests[digest]

    def blob(self, digest: Digest) -> Blob:
        """Give a config, layer or other blob."""
        return self._shelf.blobs[digest]

    def blobs(self) -> Collection[Blob]:
        """Give every blob that was ever built."""
        return self._shelf.blobs.values()

    def moment(self, day: float, *seed: object) -> datetime:
        """Give a time in working hours on this day, or on the Friday before a weekend."""
        date = (self.first_day + timedelta(days=day)).date()
        date -= timedelta(days=max(0, date.weekday() - 4))
        opened = datetime.combine(date, time(8), UTC)
        return opened + timedelta(hours=9.5 * chance("hour", *seed))


class _Teller:
    """Tells one story: builds everything and says when it was tagged."""

    def __init__(self, company: Company, shelf: Shelf, story: Story) -> None:
        self._moment = company.moment
        self._shelf = shelf
        self._story = story
        self._bases = {base.repository: base for base in story.bases}

    def events(self) -> Iterator[Event]:
        for base in self._story.bases:
            yield from self._base(base)
        for service in self._story.services:
            told = list(self._service(service))
            yield from told
            yield from self._cleanup(service, told)
        for chart in self._story.charts:
            yield from self._chart(chart)

    def _base(self, base: Base) -> Iterator[Event]:
        for number, day in enumerate(_days(base.first_day, base.last_day, REBUILD_DAYS)):
            at = self._moment(day, base.repository, number)
            build = _build(base.repository, number, at, "bash")
            images = {
                platform: self._shelf.image(
                    self._base_layers(base, day, platform), build, platform=platform
                )
                for platform in base.platforms
            }
            top = self._joined(images, at, attested=False)
            for tag in (f"{base.version}-{at:%Y%m%d}", base.version, "latest"):
                yield Event(at, base.repository, tag, top.digest)

    def _base_layers(self, base: Base, day: float, platform: str) -> list[Layer]:
        """Give the layers of the newest rebuild up to this day."""
        parent = self._bases.get(base.parent)
        below = self._base_layers(parent, day, platform) if parent else []
        # A sum of floats may fall a hair short of the day that it means.
        number = max(0, int((day - base.first_day) / REBUILD_DAYS + 1e-9))
        own = [
            _layer(f"{base.repository} {number}.{position}", size, platform)
            for position, size in enumerate(base.layers)
        ]
        return [*below, *own]

    def _service(self, service: Service) -> Iterator[Event]:
        previous: list[Document] = []
        dependencies = 0
        for number, day in enumerate(
            _days(service.first_day, service.last_day, service.every_days)
        ):
            at = self._moment(day, service.repository, number)
            dependencies += chance(service.repository, "bump", number) < service.bump_share
            top = self._release(service, number, day, dependencies, at)
            tag = _tag(service, number, at)
            yield Event(at, service.repository, tag, top.digest)
            moving = "main" if service.tagged_by == "commit" else "latest"
            yield Event(at, service.repository, moving, top.digest)
            previous.append(top)
            if service.stable and number >= 3:
                yield Event(at, service.repository, "stable", previous[-4].digest)
            yield from self._referrers(service, top, at)

    def _release(
        self, service: Service, number: int, day: float, dependencies: int, at: datetime
    ) -> Document:
        base = self._bases[service.base]
        # A service takes up a new base image a few days after it came out.
        base_day = day - 6 * chance(service.repository, "lag", number)
        build = _build(service.repository, number, at, "serve", docker=service.docker)
        # Software grows, by a tenth a year.
        size = int(service.application * (1 + 0.1 * (day / 365)))
        images = {}
        for platform in service.platforms:
            layers = [
                *self._base_layers(base, base_day, platform),
                _layer(f"{service.repository} dependencies {dependencies}", service.dependencies, platform),
                _layer(f"{service.repository} configuration", 4_400, platform),
                _layer(f"{service.repository} application {number}", size, platform),
            ]  # fmt: skip
            images[platform] = self._shelf.image(layers, build, platform=platform)
        return self._joined(images, at, attested=service.attested)

    def _joined(self, images: Mapping[str, Document], at: datetime, *, attested: bool) -> Document:
        if len(images) == 1 and not attested:
            return next(iter(images.values()))
        return self._shelf.index(images, attested_at=at if attested else None)

    def _referrers(self, service: Service, top: Document, at: datetime) -> Iterator[Event]:
        after = at + timedelta(seconds=41)
        if service.signed:
            signature = self._shelf.signature(top, repository=service.repository)
            tag = referrer_tag(top.digest, ".sig")
            yield Event(after, service.repository, tag, signature.digest)
        if service.with_sbom:
            packages = [service.base.rpartition("-")[2], "openssl", "tzdata", "ca-certificates"]
            index = self._shelf.sbom_referrers(top, packages=packages, at=after)
            yield Event(after, service.repository, referrer_tag(top.digest), index.digest)

    def _cleanup(self, service: Service, told: Sequence[Event]) -> Iterator[Event]:
        """Delete what is old in month 8. Signatures are overlooked, as they always are."""
        at = self._moment(CLEANUP_DAY, "clean-up")
        if not service.cleaned:
            return
        tags = {event.tag: event for event in told if event.at < at}
        if not service.emptied:
            limit = at - timedelta(days=KEPT_DAYS[service.tagged_by])
            builds = [e for tag, e in tags.items() if tag not in MOVING and "sha256-" not in tag]
            in_use = {tags[tag].digest for tag in MOVING & tags.keys()}
            tags = {
                event.tag: event
                for event in builds[:-KEPT_RELEASES]
                if event.at < limit and event.digest not in in_use
            }
        for tag in tags:
            yield Event(at, service.repository, tag, None)

    def _chart(self, chart: Chart) -> Iterator[Event]:
        for number, day in enumerate(_days(chart.first_day, DAYS, chart.every_days)):
            at = self._moment(day, chart.repository, number)
            version = f"0.{number // 4 + 1}.{number % 4}"
            name = chart.repository.rpartition("/")[2]
            content = layer(f"{name} {version}", _varied(chart.size, chart.repository, number))
            made = self._shelf.chart(name, version, content, at=at)
            yield Event(at, chart.repository, version, made.digest)


def chance(*seed: object) -> float:
    """Give a number from 0 up to 1, the same for the same seed, wherever it runs."""
    text = "/".join(str(part) for part in seed)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / (1 << 48)


def _days(first: float, last: float, every: float) -> Iterator[float]:
    day = first
    while day <= last:
        yield day
        day += every


def _varied(size: int, *seed: object) -> int:
    """Vary a typical size by up to a tenth: real layers are never round."""
    return int(size * (0.9 + 0.2 * chance("size", *seed)))


def _layer(name: str, size: int, platform: str) -> Layer:
    named = f"{name} {platform}"
    return layer(named, _varied(size, named))


def _tag(service: Service, number: int, at: datetime) -> str:
    match service.tagged_by:
        case "date":
            return f"{at:%Y-%m-%d}"
        case "commit":
            return revision(service.repository, number)[:8]
        case "version":
            minor, patch = divmod(number, 3)
            return f"{service.major}.{minor}.{patch}"


def _build(
    repository: str, number: int, at: datetime, command: str, *, docker: bool = False
) -> Build:
    labels = {
        "org.opencontainers.image.source": f"https://git.harbourline.example/{repository}",
        "org.opencontainers.image.revision": revision(repository, number),
        "org.opencontainers.image.vendor": "Harbourline (sample data)",
    }
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    return Build(
        created_at=at - timedelta(seconds=97 + 300 * chance("built", repository, number)),
        command=(command,),
        environment=environment,
        labels=labels,
        docker=docker,
    )
