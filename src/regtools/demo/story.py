"""Who builds what at Harbourline, an invented maker of freight software.

Days count from the first snapshot: day 0 is 548 days, or 18 months, before now; what was there
before has negative days. Sizes are typical compressed bytes, which vary from build to build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

DAYS: Final = 548
MONTH: Final = DAYS / 18
CLEANUP_DAY: Final = round(7.6 * MONTH)
"""In month 8 somebody deletes old builds by hand, once."""

AMD64: Final = ("linux/amd64",)
BOTH: Final = ("linux/amd64", "linux/arm64")

kB: Final = 10**3  # noqa: N816  # the unit's own spelling
MB: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image, rebuilt every month for security fixes."""

    repository: str
    version: str
    parent: str = ""
    layers: Sequence[int]
    platforms: Sequence[str] = BOTH
    first_day: float = -245
    last_day: float = DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A repository of images built again and again from one source."""

    repository: str
    base: str
    dependencies: int
    """The layer with libraries, which most builds have in common with the one before."""
    application: int
    """The layer that each build has for itself."""
    every_days: float = 7
    first_day: float = -60
    last_day: float = DAYS
    tagged_by: Literal["version", "date", "commit"] = "version"
    """`latest` (with commits: ``main``) moves along."""
    major: int = 1
    bump_share: float = 0.2
    """How many of the builds have new dependencies."""
    platforms: Sequence[str] = AMD64
    attested: bool = False
    signed: bool = False
    with_sbom: bool = False
    stable: bool = False
    """Whether a tag `stable` follows a few releases behind."""
    docker: bool = False
    cleaned: bool = True
    """Whether the clean-up of month 8 reached it."""
    emptied: bool = False
    """Whether the clean-up took all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A Helm chart kept as an artifact."""

    repository: str
    every_days: float = 16
    first_day: float = -30
    size: int = 31 * kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All repositories of a registry."""

    bases: Sequence[Base]
    services: Sequence[Service]
    charts: Sequence[Chart] = ()


_PLATFORM: Final = (
    Service(repository="platform/gateway", base="platform/base-java", dependencies=47 * MB, application=11 * MB, platforms=BOTH, attested=True, signed=True, major=3),
    Service(repository="platform/auth", base="platform/base-java", dependencies=58 * MB, application=9 * MB, platforms=BOTH, attested=True, signed=True, with_sbom=True, major=2, every_days=11),
    Service(repository="platform/notifications", base="platform/base-node", dependencies=39 * MB, application=6 * MB, platforms=BOTH, attested=True, every_days=13),
    Service(repository="platform/scheduler", base="platform/base-java", dependencies=51 * MB, application=14 * MB, every_days=12),
    Service(repository="platform/audit-log", base="platform/base-java", dependencies=44 * MB, application=8 * MB, first_day=4 * MONTH, every_days=14),
)  # fmt: skip
_FREIGHT: Final = (
    Service(repository="freight/booking-api", base="platform/base-java", dependencies=83 * MB, application=27 * MB, major=4, every_days=6, stable=True),
    Service(repository="freight/quote-api", base="platform/base-java", dependencies=79 * MB, application=22 * MB, major=2, stable=True),
    Service(repository="freight/tracking-api", base="platform/base-java", dependencies=74 * MB, application=24 * MB, major=5, every_days=6),
    Service(repository="freight/customs", base="platform/base-java", dependencies=91 * MB, application=38 * MB, signed=True, every_days=9),
    Service(repository="freight/carrier-connect", base="platform/base-java", dependencies=88 * MB, application=31 * MB, major=2, every_days=8),
    Service(repository="freight/edi-gateway", base="platform/base-java", dependencies=69 * MB, application=19 * MB, every_days=15),
    Service(repository="freight/billing", base="platform/base-java", dependencies=86 * MB, application=25 * MB, signed=True, every_days=9, major=3),
    Service(repository="freight/documents", base="platform/base-python", dependencies=146 * MB, application=12 * MB, every_days=10),
)  # fmt: skip
_WEB: Final = (
    Service(repository="web/portal", base="platform/base-node", dependencies=64 * MB, application=33 * MB, every_days=4, major=7),
    Service(repository="web/carrier-portal", base="platform/base-node", dependencies=59 * MB, application=29 * MB, every_days=7, major=2),
    Service(repository="web/admin", base="platform/base-node", dependencies=53 * MB, application=24 * MB, every_days=12),
    Service(repository="web/docs", base="platform/base-node", dependencies=18 * MB, application=43 * MB, every_days=14, tagged_by="date"),
    Service(repository="web/spike-maps", base="platform/base-node", dependencies=71 * MB, application=92 * MB, every_days=9, first_day=2 * MONTH, last_day=6 * MONTH, emptied=True),
)  # fmt: skip
_CI: Final = (
    Service(repository="ci/portal", base="platform/base-node", dependencies=118 * MB, application=41 * MB, every_days=1.8, tagged_by="commit", bump_share=0.12),
    Service(repository="ci/booking-api", base="platform/base-java", dependencies=97 * MB, application=36 * MB, every_days=2.3, tagged_by="commit", bump_share=0.1),
)  # fmt: skip
_DATA: Final = (
    Service(repository="data/warehouse-loader", base="platform/base-python", dependencies=213 * MB, application=7 * MB, every_days=9, tagged_by="date", cleaned=False),
    Service(repository="data/airflow", base="platform/base-python", dependencies=487 * MB, application=16 * MB, every_days=24, major=2, cleaned=False, bump_share=0.5),
    Service(repository="data/dbt-runner", base="platform/base-python", dependencies=171 * MB, application=4 * MB, every_days=17),
    Service(repository="data/event-archiver", base="platform/base-java", dependencies=63 * MB, application=10 * MB, first_day=6 * MONTH, every_days=13),
)  # fmt: skip
_ML: Final = (
    # Ten times what a service weighs, every twelve days: the layer with the model's weights.
    Service(repository="ml/eta-model", base="platform/base-cuda", dependencies=1_860 * MB, application=4_750 * MB, every_days=12, first_day=10.3 * MONTH, tagged_by="date", bump_share=0.15),
    Service(repository="ml/feature-store", base="platform/base-python", dependencies=268 * MB, application=9 * MB, first_day=10 * MONTH, every_days=12),
)  # fmt: skip
_TOOLS: Final = (
    Service(repository="tools/ci-runner", base="platform/base-debian", dependencies=412 * MB, application=57 * MB, every_days=26, platforms=BOTH, attested=True),
    Service(repository="tools/terraform", base="platform/base-debian", dependencies=96 * MB, application=3 * MB, every_days=30),
    # Forgotten: nobody builds, pulls or deletes it any more.
    Service(repository="legacy/rates-importer", base="platform/base-debian", dependencies=238 * MB, application=94 * MB, every_days=5, first_day=-240, last_day=-90, docker=True, cleaned=False, bump_share=0.4),
)  # fmt: skip

HARBOURLINE: Final = Story(
    bases=(
        Base(repository="platform/base-debian", version="12", layers=(28_229_664, 9_412_337)),
        Base(repository="platform/base-java", version="21", parent="platform/base-debian", layers=(16 * MB, 157 * MB)),
        Base(repository="platform/base-python", version="3.12", parent="platform/base-debian", layers=(18 * MB, 47 * MB)),
        Base(repository="platform/base-node", version="22", parent="platform/base-debian", layers=(49 * MB, 4 * MB)),
        Base(repository="platform/base-cuda", version="12.6", parent="platform/base-debian", layers=(61 * MB, 1_180 * MB, 846 * MB), platforms=AMD64, first_day=10 * MONTH),
    ),
    services=(*_PLATFORM, *_FREIGHT, *_WEB, *_CI, *_DATA, *_ML, *_TOOLS),
    charts=(Chart(repository="charts/harbourline"), Chart(repository="charts/carrier-edge", first_day=5 * MONTH, every_days=27, size=17 * kB)),
)  # fmt: skip
"""The company's own registry."""

OPEN_SOURCE: Final = Story(
    bases=(
        Base(repository="harbourline/devcontainer-base", version="12", layers=(28_229_664, 71 * MB)),
    ),
    services=(
        Service(repository="harbourline/edi-parser", base="harbourline/devcontainer-base", dependencies=22 * MB, application=5 * MB, every_days=19, platforms=BOTH, attested=True, cleaned=False),
        Service(repository="harbourline/tariff-api", base="harbourline/devcontainer-base", dependencies=41 * MB, application=8 * MB, every_days=26, platforms=BOTH, cleaned=False),
        Service(repository="harbourline/devcontainer", base="harbourline/devcontainer-base", dependencies=689 * MB, application=112 * MB, every_days=28, first_day=2 * MONTH, tagged_by="date", cleaned=False),
    ),
)  # fmt: skip
"""What the company gives away on a public registry."""
