"""Amazon ECR's lifecycle policies, decided as ECR decides them.

Source: Amazon ECR user guide, pages ``LifecyclePolicies``, ``lifecycle_policy_parameters`` and
``lifecycle_policy_examples``, looked up 2026-11. What they leave open is settled so:

* An image that an index of its repository lists is counted, but goes only when a rule marks it
  and everything that lists it goes too (ECR's failure ``ImageReferencedByManifestList``).
* A referrer whose subject is in the repository is counted, and goes only with its subject.
* Archived images are in no inventory: ECR does not list them unless asked. Rules about them are
  read and checked, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from regtools.policies._base import Action, Remark, RepositoryVersions, Verdict
from regtools.policies.ecr.lint import lint_ecr
from regtools.policies.ecr.rules import EcrRule, StorageClass, parse_rules
from regtools.policies.parts import releasable


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrPolicy:
    """A lifecycle policy of one repository, or of many that have the same."""

    rules: tuple[EcrRule, ...]
    """First priority first."""

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "ecr"

    @property
    def cascades(self) -> bool:
        """Never: the images of an expired index stay, untagged, until a rule selects them."""
        return False

    @property
    def unlocks(self) -> bool:
        """Never."""
        return False

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say what goes, in the order of the rules; each image gets one verdict or none.

        All rules look at everything, as if nothing had gone. The first rule whose tagging
        requirements an image meets is the only one that may touch it.
        """
        marked: dict[str, Verdict] = {}
        claimed: set[str] = set()
        for rule in self.rules:
            if rule.storage_class is StorageClass.ARCHIVE:
                continue
            seen = [version for version in repository.versions if rule.sees(version)]
            for version in rule.marks(seen, now):
                if version.digest not in claimed:
                    marked[version.digest] = Verdict(
                        digest=version.digest,
                        tags=version.tags,
                        whole=True,
                        rule=str(rule),
                        action=rule.action,
                    )
            claimed.update(version.digest for version in seen)
        deleted = {key for key, verdict in marked.items() if verdict.action is Action.DELETE}
        gone = releasable(repository.versions, deleted)
        moved = releasable(repository.versions, gone | (marked.keys() - deleted))
        return [verdict for digest, verdict in marked.items() if digest in moved]

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the rules; the codes are those of `lint_ecr`."""
        return lint_ecr(self.rules, repositories)


def parse_ecr(data: object) -> EcrPolicy:
    """Read a lifecycle policy, as loaded from AWS's JSON.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: ECR would not take it, or it is no lifecycle policy. The message
        has the place, such as ``rules[2].selection.tagStatus``, and what is allowed there.
    """
    return EcrPolicy(rules=parse_rules(data))
