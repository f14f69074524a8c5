"""Content for vendors' fakes: a few repositories with one of everything, or very many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support import push
from tests.support.retention_plans import Node, Plan, artifact, image, index

FIRST_PUSH = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def one_of_each(namespace: str = "acme") -> tuple[Plan, dict[str, list[Node]]]:
    """Give two repositories with shared layers, an index with an attestation, a referrer, and
    something untagged."""
    base = push.layer("base", 3_000)
    plan = Plan()
    images = [image(n, (base, push.layer(f"own-{n}", 400 + n))) for n in range(3)]
    arm = image("arm", (base, push.layer("arm", 500)), platform="linux/arm64")
    both = index(images[0], arm, attested=[images[0]])
    plan.tag(f"{namespace}/app", "1.0", images[0])
    plan.tag(f"{namespace}/app", "1.1", images[1])
    plan.tag(f"{namespace}/app", "latest", images[1])
    plan.tag(f"{namespace}/app", "multi", both)
    plan.tag(f"{namespace}/tools/lint", "7", images[2])
    return plan, {f"{namespace}/app": [artifact(images[1]), image("old", (base,))]}


def very_many(namespace: str = "acme", *, repositories: int = 300, tags: int = 10) -> Plan:
    """Give several hundred repositories and a few thousand tags; a pool of small images."""
    pool = [image(n, (push.layer(f"pool-{n % 7}", 200 + n % 7),)) for n in range(40)]
    plan = Plan()
    for number in range(repositories):
        for tag in range(tags):
            node = pool[(number + tag) % len(pool)]
            plan.tag(f"{namespace}/service-{number:03}", f"v{tag}", node)
    return plan


def pushed_at(node: Node) -> datetime:
    """Give a moment of its own to each manifest, always the same."""
    return FIRST_PUSH + timedelta(minutes=int(node.digest[7:12], 16))
