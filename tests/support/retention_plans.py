"""Small registry contents drawn by hypothesis, and how they get into a real registry.

Each holds what makes deleting hard: shared layers, one image in several repositories, nested
indexes, attestations, signatures of signatures, tags on one digest, dates nobody can believe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.support import push
from tests.support.docker_registry import DockerRegistry
from tests.support.push import Blob, Pusher

FIRST_DAY = datetime(2025, 1, 1, 12, tzinfo=UTC)
LAST_DAY = 300
"""The youngest image is at most this many days younger than `FIRST_DAY`."""
REPOSITORIES = ("app", "team/api", "team/web")
FOREIGN_URL = "https://mcr.example.com/windows-base.tar.gz"
IN_TOTO = "application/vnd.in-toto+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """A manifest or index, and what it leads to."""

    content: Blob
    blobs: tuple[Blob, ...] = ()
    """Config and layers that the registry stores."""
    foreign: tuple[Blob, ...] = ()
    """Layers whose bytes are elsewhere."""
    children: tuple[Node, ...] = ()
    descriptors: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    """How this node stands in an index: itself first, then what is pushed about it."""

    @property
    def digest(self) -> str:
        """Its name."""
        return self.content.digest

    def below(self) -> Iterator[Node]:
        """Give all it leads to and then itself, the order in which a registry takes them."""
        for child in self.children:
            yield from child.below()
        yield self


@dataclass(slots=True)
class Plan:
    """What stands in which repository, under which tags."""

    tags: dict[str, dict[str, Node]] = field(default_factory=dict)
    """Repository → tag → what it names."""
    replaced: list[tuple[str, str, Node]] = field(default_factory=list)
    """Repository, tag and what the tag named before; deleted since."""

    def tag(self, repository: str, tag: str, node: Node) -> None:
        """Name a node."""
        self.tags.setdefault(repository, {})[tag] = node

    def nodes(self, repository: str) -> dict[str, Node]:
        """Give all that the tags of a repository lead to, by digest."""
        tops = self.tags.get(repository, {}).values()
        return {node.digest: node for top in tops for node in top.below()}

    def __repr__(self) -> str:
        """Show what a failing example held: tags, and the first hexadecimal digits they name."""
        lines = [
            f"{repository}:{tag} → {_shown(node)}"
            for repository, tags in self.tags.items()
            for tag, node in tags.items()
        ]
        return "<Plan\n  " + "\n  ".join(lines) + ">"


def push_plan(registry: DockerRegistry, plan: Plan) -> None:
    """Fill a registry; a blob that another repository has is mounted from there."""
    homes: dict[str, str] = {}
    held: set[tuple[str, str]] = set()
    with Pusher(registry.url) as pusher:

        def bring(repository: str, node: Node) -> None:
            for blob in node.blobs:
                home = homes.setdefault(blob.digest, repository)
                if (repository, blob.digest) in held:
                    continue
                if home == repository:
                    pusher.blob(repository, blob.data)
                else:
                    pusher.mount(repository, blob.digest, home)
                held.add((repository, blob.digest))

        def put(repository: str, tag: str, top: Node) -> None:
            for node in top.below():
                bring(repository, node)
                reference = tag if node is top else node.digest
                if node is top or (repository, node.digest) not in held:
                    pusher.manifest(repository, reference, node.content)
                    held.add((repository, node.digest))

        for repository, tag, node in plan.replaced:
            put(repository, tag, node)
        for repository, tags in plan.tags.items():
            for tag, node in tags.items():
                put(repository, tag, node)
        for repository, _, node in plan.replaced:
            pusher.delete_manifest(repository, node.digest)


def image(
    name: object,
    layers: Sequence[Blob],
    *,
    created: datetime = FIRST_DAY,
    platform: str = "linux/amd64",
    foreign: Sequence[Blob] = (),
) -> Node:
    """Make an image; one with foreign layers is of Docker's types, which have them."""
    docker = bool(foreign)
    config = push.image_config(
        (*foreign, *layers),
        created=created,
        platform=platform,
        media_type=push.DOCKER_CONFIG if docker else push.OCI_CONFIG,
        author=f"image {name}",
    )
    typed = [replace(one, media_type=push.DOCKER_LAYER) for one in layers] if docker else layers
    listed = [
        *(one.descriptor(urls=[FOREIGN_URL]) for one in foreign),
        *(one.descriptor() for one in typed),
    ]
    content = push.manifest(config, listed, push.DOCKER_MANIFEST if docker else push.OCI_MANIFEST)
    return Node(
        content=content,
        blobs=(config, *layers),
        foreign=tuple(foreign),
        descriptors=(content.descriptor(platform=push.platform_of(platform)),),
    )


def attestation(about: Node) -> Node:
    """Make what BuildKit puts beside an image in its index."""
    statement = push.json_blob(IN_TOTO, {"subject": [about.digest], "predicateType": "slsa"})
    statement = replace(statement, diff_id=statement.digest)
    config = push.image_config([statement], created=FIRST_DAY, platform="unknown/unknown")
    content = push.manifest(config, [statement.descriptor()])
    descriptor = content.descriptor(
        platform=push.platform_of("unknown/unknown"),
        annotations={
            "vnd.docker.reference.digest": about.digest,
            "vnd.docker.reference.type": "attestation-manifest",
        },
    )
    return Node(content=content, blobs=(config, statement), descriptors=(descriptor,))


def index(*children: Node, attested: Sequence[Node] = ()) -> Node:
    """Make an index of images or other indexes, with an attestation for each of `attested`."""
    every = (*children, *(attestation(about) for about in attested))
    content = push.index([child.descriptors[0] for child in every])
    return Node(content=content, children=every, descriptors=(content.descriptor(),))


def signature(subject: Node, name: object = "") -> Node:
    """Make cosign's signature, which is about an image by its tag alone."""
    payload = push.json_blob(SIMPLE_SIGNING, {"critical": subject.digest, "optional": str(name)})
    config = push.json_blob(push.OCI_CONFIG, {"signs": payload.digest})
    content = push.manifest(config, [payload.descriptor()])
    return Node(content=content, blobs=(config, payload), descriptors=(content.descriptor(),))


def artifact(subject: Node, name: object = "") -> Node:
    """Make an artifact that names its subject, as `oras attach` does."""
    bill = push.json_blob("application/spdx+json", {"name": f"{subject.digest} {name}"})
    config = Blob(data=b"{}", media_type=push.OCI_EMPTY)
    kind = "application/vnd.example.sbom"
    content = push.manifest(
        config, [bill.descriptor()], artifactType=kind, subject=subject.content.descriptor()
    )
    descriptor = content.descriptor(artifactType=kind)
    return Node(content=content, blobs=(config, bill), descriptors=(descriptor,))


def referrer_tag(subject: Node, suffix: str = "") -> str:
    """Give OCI's fallback tag of a subject, or with a suffix such as ``.sig`` cosign's."""
    return subject.digest.replace(":", "-") + suffix


_CREATED = st.one_of(
    st.just(datetime(1970, 1, 1, tzinfo=UTC)),
    st.just(datetime(1980, 1, 1, tzinfo=UTC)),
    st.integers(0, LAST_DAY).map(lambda day: FIRST_DAY + timedelta(days=day)),
    st.integers(0, LAST_DAY).map(lambda day: FIRST_DAY + timedelta(days=day)),
    st.integers(0, LAST_DAY).map(lambda day: FIRST_DAY + timedelta(days=day)),
)
_TAGS = tuple(f"{kind}{number}" for kind in ("v", "pr-") for number in range(4))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw one to three repositories that share some of one to six images and their indexes."""
    tops = [*draw(_images())]
    for _ in range(draw(st.integers(0, 3))):  # later ones may hold earlier ones
        inside = draw(st.lists(st.sampled_from(tops), min_size=1, max_size=3, unique=True))
        images = [one for one in inside if one.blobs]
        attested = (
            draw(st.lists(st.sampled_from(images), max_size=2, unique=True)) if images else []
        )
        tops.append(index(*inside, attested=attested))
    plan = Plan()
    names = draw(st.lists(st.sampled_from(REPOSITORIES), min_size=1, unique=True))
    for name in names:
        for tag in draw(st.lists(st.sampled_from(_TAGS), min_size=1, max_size=5, unique=True)):
            plan.tag(name, tag, draw(st.sampled_from(tops)))
        if draw(st.booleans()):
            before = image(f"replaced in {name}", tops[0].blobs[1:])
            plan.replaced.append((name, next(iter(plan.tags[name])), before))
        for number in range(draw(st.integers(0, 3))):
            _refer(draw, plan, name, number)
    if draw(st.integers(0, 7)) == 0:  # a signature whose image is gone
        lost = image("lost", ())
        plan.tag(names[0], referrer_tag(lost, ".sig"), signature(lost))
    return plan


@st.composite
def _images(draw: st.DrawFn) -> list[Node]:
    sizes = draw(st.lists(st.integers(0, 4_000), min_size=1, max_size=4))
    pool = [push.layer(f"layer-{number}", size) for number, size in enumerate(sizes)]
    windows = push.layer("windows", 2_000, push.DOCKER_FOREIGN_LAYER)
    return [
        image(
            number,
            draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3)),  # one may come twice
            created=draw(_CREATED),
            platform=draw(st.sampled_from(("linux/amd64", "linux/arm64", "linux/arm/v7"))),
            foreign=draw(st.sampled_from(((), (), (), (), (windows,)))),
        )
        for number in range(draw(st.integers(1, 6)))
    ]


def _refer(draw: st.DrawFn, plan: Plan, repository: str, number: int) -> None:
    """Put something about a manifest of a repository beside it: perhaps about a signature."""
    subject = draw(st.sampled_from(list(plan.nodes(repository).values())))
    suffix = draw(st.sampled_from(("", ".sig", ".att", None)))
    if suffix is None:  # under a name like any other, so that it is a version as well
        plan.tag(repository, f"v{number}-sbom", artifact(subject, number))
    elif suffix:
        plan.tag(repository, referrer_tag(subject, suffix), signature(subject, number))
    else:
        about = [artifact(subject, one) for one in range(draw(st.integers(1, 2)))]
        plan.tag(repository, referrer_tag(subject), index(*about))


def _shown(node: Node) -> str:
    inside = ", ".join(map(_shown, node.children))
    return node.digest[7:15] + (f" ({inside})" if inside else "")
