"""A history of one large registry, made of columns at once: no registry could be pushed so full.

Its shape is that of a company which promotes images through stages. Each application has a
repository a stage; a build is one version in most of them, under one to four tags. One build in
ten is an index of two platforms with an attestation each, one in twenty is signed by a tag as
cosign's, one in fifty has a bill of materials that only its subject leads to. Images stand on the
company's bases, whose monthly releases all applications share, and on layers of dependencies that
several builds of an application share. A few images have no tag, a few no date to believe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regtools.history import History
from regtools.history.rows import DATA_TABLES, file_schema, to_table
from regtools.manifest import OCI_INDEX, OCI_MANIFEST
from regtools.schema import SnapshotRow

TAKEN_AT: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGISTRY: Final = "registry.example.com"
SNAPSHOT: Final = "20261123T120000.000000Z-5ca1ab1e"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"

TAGS_AN_APPLICATION: Final = 2_500
BUILDS: Final = 200
"""Of an application, on average; some have ten times as many as others."""
IN_STAGE: Final = {"dev": 1.0, "test": 1.0, "stage": 0.9, "prod": 0.9, "dr": 0.8}
"""A repository a stage, and which share of the builds it still holds."""
TAGS_A_VERSION: Final = {1: 0.15, 2: 0.25, 3: 0.35, 4: 0.25}
INDEXES, SIGNED, DESCRIBED, DANGLING, UNDATED = 0.1, 0.05, 0.02, 0.02, 0.01
"""Shares of the builds."""
PLATFORMS: Final = ("linux/amd64", "linux/arm64")
DISTRIBUTIONS, BASES, RELEASES = 20, 200, 24
BASE_LAYERS, DEPENDENCY_LAYERS = 5, 2
OWN_LAYERS: Final = {1: 0.4, 2: 0.4, 3: 0.2}
BUILDS_A_DEPENDENCY: Final = 8
YEARS: Final = timedelta(days=700)

Numbers = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a history holds, in rows."""

    repositories: int
    tags: int
    manifests: int
    layers: int
    blobs: int
    """Distinct layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifests:
    """All manifests in the order of the file; each number is a row."""

    kind: Numbers
    """0: index; 1: image; 2: attestation; 3: signature; 4: bill of materials; 5: untagged image."""
    build: Numbers
    platform: Numbers


def write_large_history(location: Path, tags: int, seed: int = 1) -> Size:
    """Add one snapshot of about so many tags, as a scan adds one.

    Takes some 6 GB of memory for ten million tags.
    """
    draw = np.random.default_rng(seed)
    applications = max(1, tags // TAGS_AN_APPLICATION)
    application, number, created = _builds(draw, applications)
    builds = len(application)
    is_index = draw.random(builds) < INDEXES
    manifests = _manifests(draw, is_index)
    digests = _digests(draw, len(manifests.kind))
    top = np.zeros(builds, np.int64)
    tops = (manifests.kind <= 1) & ((manifests.kind == 0) | ~is_index[manifests.build])
    top[manifests.build[tops]] = np.flatnonzero(tops)

    names = _names(applications)
    tables = _held(draw, manifests, digests, top, application, number, created, names)
    tables["repositories"] = _rows("repositories", len(names), repository=names)
    tables["manifests"] = _manifest_rows(draw, manifests, digests, top, created)
    tables["children"] = _child_rows(manifests, digests)
    tables["layers"], blobs = _layer_rows(draw, manifests, digests, application, number, created)
    for table in DATA_TABLES:
        tables.setdefault(table, file_schema(table).empty_table())
    marker = SnapshotRow(
        snapshot=SNAPSHOT,
        registry=REGISTRY,
        namespace="",
        kind="zot",
        taken_at=TAKEN_AT,
        complete=True,
        requests=0,
        seconds=0.0,
        dedup_scope="registry",
    )
    ordered = {name: tables[name] for name in DATA_TABLES}
    History(location).place.write(SNAPSHOT, ordered, to_table("snapshots", [marker]))
    return Size(
        repositories=len(names),
        tags=tables["tags"].num_rows,
        manifests=len(digests),
        layers=tables["layers"].num_rows,
        blobs=blobs,
    )


def _builds(draw: np.random.Generator, applications: int) -> tuple[Numbers, Numbers, Numbers]:
    """Give the application, the number in it and the time (µs) of each build."""
    weights = draw.lognormal(0.0, 0.7, applications)
    counts = np.maximum(1, weights / weights.sum() * BUILDS * applications).astype(np.int64)
    application = np.repeat(np.arange(applications), counts)
    number = _count_up(counts)
    pace = draw.uniform(0.1, 1.0, applications) * YEARS / timedelta(microseconds=1) / counts
    age = (counts[application] - number - draw.uniform(0, 0.9, len(number))) * pace[application]
    created = _micros(TAKEN_AT - timedelta(hours=1)) - age.astype(np.int64)
    return application, number, created


def _manifests(draw: np.random.Generator, is_index: Numbers) -> _Manifests:
    builds = np.arange(len(is_index))

    def some(share: float) -> Numbers:
        return builds[draw.random(len(builds)) < share]

    indexes, images = builds[is_index], builds[~is_index]
    both = len(PLATFORMS)
    parts = [
        (0, indexes, np.zeros(len(indexes), np.int64)),
        (1, images, np.zeros(len(images), np.int64)),
        (1, np.repeat(indexes, both), np.tile(np.arange(both), len(indexes))),
        (2, np.repeat(indexes, both), np.tile(np.arange(both), len(indexes))),
        *(
            (kind, some(share), None)
            for kind, share in ((3, SIGNED), (4, DESCRIBED), (5, DANGLING))
        ),
    ]
    kind = np.concatenate([np.full(len(build), kind) for kind, build, _ in parts])
    build = np.concatenate([build for _, build, _ in parts])
    platform = np.concatenate(
        [np.zeros(len(build), np.int64) if p is None else p for _, build, p in parts]
    )
    order = np.lexsort((platform, kind, build))
    return _Manifests(kind=kind[order], build=build[order], platform=platform[order])


def _held(
    draw: np.random.Generator,
    manifests: _Manifests,
    digests: pa.Array,
    top: Numbers,
    application: Numbers,
    number: Numbers,
    created: Numbers,
    names: pa.Array,
) -> dict[str, pa.Table]:
    """Give the tags, and what is held without one."""
    stages = len(IN_STAGE)
    there = draw.random((len(top), stages)) < np.array(list(IN_STAGE.values()))
    build, stage = np.nonzero(there)
    order = np.argsort(application[build] * stages + stage, kind="stable")
    build, stage = build[order], stage[order]
    place = application[build] * stages + stage
    pushed = np.minimum(
        created[build] + stage * _micros_of(timedelta(days=1)), _micros(TAKEN_AT) - 1
    )

    counts = draw.choice(list(TAGS_A_VERSION), len(build), p=list(TAGS_A_VERSION.values()))
    version = np.repeat(np.arange(len(build)), counts)
    words = _tag_names(_count_up(counts), number[build[version]], digests, top[build[version]])
    tags = _rows(
        "tags",
        len(version),
        repository=names.take(pa.array(place[version])),
        tag=words,
        digest=digests.take(pa.array(top[build[version]])),
        pushed_at=pa.array(pushed[version], pa.timestamp("us", tz="UTC")),
    )

    def about(kind: int) -> tuple[Numbers, Numbers]:
        """Give the versions that have one of these referrers, and the referrer."""
        found = np.full(len(top), -1)
        rows = np.flatnonzero(manifests.kind == kind)
        found[manifests.build[rows]] = rows
        versions = np.flatnonzero(found[build] >= 0)
        return versions, found[build[versions]]

    signed, signature = about(3)
    subjects = digests.take(pa.array(top[build[signed]]))
    signatures = _rows(
        "tags",
        len(signed),
        repository=names.take(pa.array(place[signed])),
        tag=pc.binary_join_element_wise("sha256", pc.utf8_slice_codeunits(subjects, 7), "-").cast(
            pa.string()
        ),
        digest=digests.take(pa.array(signature)),
        pushed_at=pa.array(pushed[signed], pa.timestamp("us", tz="UTC")),
    )
    column = signatures.schema.get_field_index("tag")
    signatures = signatures.set_column(
        column,
        signatures.schema.field("tag"),
        pc.binary_join_element_wise(signatures["tag"], "sig", "."),
    )
    described, description = about(4)
    dangling = np.flatnonzero(manifests.kind == 5)
    untagged_place = np.concatenate(
        [place[described], application[manifests.build[dangling]] * stages]
    )
    untagged = _rows(
        "untagged",
        len(untagged_place),
        repository=names.take(pa.array(untagged_place)),
        digest=digests.take(pa.array(np.concatenate([description, dangling]))),
    )
    return {"tags": pa.concat_tables([tags, signatures]), "untagged": untagged}


def _tag_names(which: Numbers, number: Numbers, digests: pa.Array, top: Numbers) -> pa.Array:
    """Name the first to fourth tag of each version."""
    text = pa.array(number).cast(pa.string())
    commit = pc.utf8_slice_codeunits(digests.take(pa.array(top)), 7, 19)
    # Few have a tag such as v12, which the benchmark's rule keeps.
    last = pc.if_else(
        pa.array(number % 5 == 0),
        pc.binary_join_element_wise("v", text, ""),
        pc.binary_join_element_wise("main", text, "-"),
    )
    return pc.choose(
        pa.array(which),
        pc.binary_join_element_wise("build", text, "-"),
        pc.binary_join_element_wise("git", commit, "-"),
        pc.binary_join_element_wise("1", text, "0", "."),
        last,
    )


def _manifest_rows(
    draw: np.random.Generator,
    manifests: _Manifests,
    digests: pa.Array,
    top: Numbers,
    created: Numbers,
) -> pa.Table:
    kind, count = manifests.kind, len(manifests.kind)
    has_config = pa.array(kind != 0)
    is_image = (kind == 1) | (kind == 5)
    when = np.where(draw.random(count) < UNDATED, 0, created[manifests.build])
    artifact_types = pa.array([None, None, None, None, "application/spdx+json", None])
    return _rows(
        "manifests",
        count,
        digest=digests,
        media_type=pa.array([OCI_INDEX, OCI_MANIFEST]).take(pa.array((kind != 0).astype(int))),
        artifact_type=artifact_types.take(pa.array(kind)),
        size=pa.array(draw.integers(400, 3_000, count)),
        config_digest=pc.if_else(has_config, _digests(draw, count), None),
        config_size=pc.if_else(has_config, pa.array(draw.integers(200, 12_000, count)), None),
        created_at=pc.if_else(
            pa.array(is_image), pa.array(when, pa.timestamp("us", tz="UTC")), None
        ),
        platform=pc.if_else(
            pa.array(is_image), pa.array(PLATFORMS).take(pa.array(manifests.platform)), None
        ),
        subject=pc.if_else(pa.array(kind == 4), digests.take(pa.array(top[manifests.build])), None),
    )


def _child_rows(manifests: _Manifests, digests: pa.Array) -> pa.Table:
    """Give each index its images and their attestations; they stand behind it in the file."""
    parent = np.flatnonzero(manifests.kind == 0)
    both = len(PLATFORMS)
    image = (parent[:, None] + 1 + np.arange(both)).ravel()
    attestation = image + both
    child = np.concatenate([image, attestation])
    nothing = pa.nulls(len(image), pa.string())
    return _rows(
        "children",
        len(child),
        parent=digests.take(pa.array(np.tile(np.repeat(parent, both), 2))),
        child=digests.take(pa.array(child)),
        platform=pa.concat_arrays(
            [
                pa.array(PLATFORMS).take(pa.array(np.tile(np.arange(both), len(parent)))),
                pa.repeat(pa.scalar("unknown/unknown"), len(image)),
            ]
        ),
        attests=pa.concat_arrays([nothing, digests.take(pa.array(image))]),
    )


def _layer_rows(
    draw: np.random.Generator,
    manifests: _Manifests,
    digests: pa.Array,
    application: Numbers,
    number: Numbers,
    created: Numbers,
) -> tuple[pa.Table, int]:
    """Give the layers of all manifests, and how many are distinct."""
    kind, count = manifests.kind, len(manifests.kind)
    is_image = (kind == 1) | (kind == 5)
    own = draw.choice(list(OWN_LAYERS), count, p=list(OWN_LAYERS.values()))
    layers = np.where(is_image, BASE_LAYERS + DEPENDENCY_LAYERS + own, np.where(kind == 0, 0, 1))
    manifest = np.repeat(np.arange(count), layers)
    position = _count_up(layers)
    build, platform = manifests.build[manifest], manifests.platform[manifest]
    nth = number[build]
    # Few bases carry most applications.
    bases = np.minimum(draw.zipf(1.3, application[-1] + 1) - 1, BASES - 1)
    base = bases[application[build]]
    age = (_micros(TAKEN_AT) - created[build]) / _micros_of(YEARS)
    release = np.clip(RELEASES - 1 - (age * RELEASES).astype(np.int64), 0, RELEASES - 1)
    plain = is_image[manifest]
    under = BASE_LAYERS + DEPENDENCY_LAYERS
    # What has the same key is the same layer; the first digit says what it is.
    variant = release * len(PLATFORMS) + platform
    key = np.select(
        [~plain, position == 0, position < BASE_LAYERS, position < under],
        [
            manifest * 10 + 4,
            (base % DISTRIBUTIONS * RELEASES * len(PLATFORMS) + variant) * 10,
            ((base * BASE_LAYERS + position) * RELEASES * len(PLATFORMS) + variant) * 10 + 1,
            ((build - nth + nth // BUILDS_A_DEPENDENCY) * len(PLATFORMS) + platform) * 100
            + (position - BASE_LAYERS) * 10
            + 2,
        ],
        default=(manifest * 10 + position - under) * 10 + 3,
    )
    keys, blob = np.unique(key, return_inverse=True)
    median = np.array([30e6, 8e6, 20e6, 2e6, 5e3])[keys % 10]
    sizes = (median * draw.lognormal(0.0, 1.0, len(keys))).astype(np.int64) + 100
    # One distribution's bottom layer is its maker's: not stored here.
    foreign = plain & (position == 0) & (base % DISTRIBUTIONS == DISTRIBUTIONS - 1)
    return _rows(
        "layers",
        len(manifest),
        manifest=digests.take(pa.array(manifest)),
        position=pa.array(position),
        blob=_digests(draw, len(keys)).take(pa.array(blob)),
        size=pa.array(sizes[blob]),
        media_type=pa.repeat(pa.scalar(LAYER_TYPE), len(manifest)),
        foreign=pa.array(foreign),
    ), len(keys)


def _rows(table: str, count: int, **columns: pa.Array) -> pa.Table:
    """Make a table as it is on disk; what is not given is the registry, the snapshot or nothing."""
    constants = {"snapshot": SNAPSHOT, "registry": REGISTRY}
    schema = file_schema(table)
    arrays = [
        columns[field.name]
        if field.name in columns
        else pa.repeat(pa.scalar(constants.get(field.name), field.type), count)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _names(applications: int) -> pa.Array:
    return pa.array(
        [
            f"team-{number % 97:02}/application-{number:04}/{stage}"
            for number in range(applications)
            for stage in IN_STAGE
        ]
    )


def _digests(draw: np.random.Generator, count: int) -> pa.Array:
    """Draw digests, as one buffer of text."""
    raw = draw.integers(0, 256, (count, 32), np.uint8)
    text = np.empty((count, 71), np.uint8)
    text[:, :7] = np.frombuffer(b"sha256:", np.uint8)
    signs = np.frombuffer(b"0123456789abcdef", np.uint8)
    text[:, 7::2] = signs[raw >> 4]
    text[:, 8::2] = signs[raw & 15]
    ends = np.arange(0, 71 * count + 1, 71, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(text))


def _count_up(counts: Numbers) -> Numbers:
    """Give 0, 1, … for each of the counts: [2, 3] is 0 1 0 1 2."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) - np.repeat(ends - counts, counts)


def _micros(moment: datetime) -> int:
    return _micros_of(moment - datetime(1970, 1, 1, tzinfo=UTC))


def _micros_of(time: timedelta) -> int:
    return time // timedelta(microseconds=1)
