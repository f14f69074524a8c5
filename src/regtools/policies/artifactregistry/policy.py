"""Google Artifact Registry's cleanup policies, decided as Google decides them.

Source: Artifact Registry documentation, pages ``cleanup-policy`` and ``cleanup-policy-overview``,
looked up 2026-11. A version is a manifest, and goes with all its tags. What the pages leave open
is settled so:

* ``keepCount`` counts every version of a package, also untagged ones and parts of an index.
* A version that an index lists cannot be deleted while the index is there: the registry refuses
  it (``GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE``, as seen in GoogleCloudPlatform/gcr-cleaner#118).
  It goes when a policy deletes both; otherwise it stays.
* A referrer whose subject is in the package goes only with its subject.
* A version without a date is kept by ``keepCount`` and ``newerThan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from regtools.policies._base import Remark, RepositoryVersions, Verdict, Version
from regtools.policies.artifactregistry.lint import lint_cleanup
from regtools.policies.artifactregistry.rules import (
    CleanupAction,
    CleanupRule,
    in_package,
    parse_cleanup,
)
from regtools.policies.parts import package_of, releasable


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRegistryPolicy:
    """The cleanup policies of one Artifact Registry repository, which holds many packages."""

    rules: tuple[CleanupRule, ...]
    is_dry_run: bool = False
    """Whether the repository only logs what it would delete."""

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "artifactregistry"

    @property
    def cascades(self) -> bool:
        """Never: the images of a deleted index stay, untagged, until a policy deletes them."""
        return False

    @property
    def unlocks(self) -> bool:
        """Never."""
        return False

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say what goes from one package: what some policy deletes and none keeps."""
        package = package_of(repository)
        kept: set[str] = set()
        for rule in self.rules:
            if rule.action is CleanupAction.KEEP:
                kept.update(_kept(rule, repository.versions, package, now))
        chosen: dict[str, Verdict] = {}
        for version in repository.versions:
            by = next((one for one in self.rules if _deletes(one, version, package, now)), None)
            if by is not None and version.digest not in kept and not version.is_locked:
                chosen[version.digest] = Verdict(
                    digest=version.digest, tags=version.tags, whole=True, rule=str(by)
                )
        gone = releasable(repository.versions, chosen)
        return [verdict for digest, verdict in chosen.items() if digest in gone]

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the policies; the codes are those of `lint_cleanup`."""
        return lint_cleanup(self.rules, repositories, is_dry_run=self.is_dry_run)


def parse_artifactregistry(data: object) -> ArtifactRegistryPolicy:
    """Read cleanup policies, as loaded from gcloud's file or from the API's answer.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: Google would not take it, or it is no cleanup policy. The message
        has the place, such as ``policies[2].condition.tagState``, and what is allowed there.
    """
    is_dry_run = isinstance(data, dict) and data.get("cleanupPolicyDryRun") is True
    return ArtifactRegistryPolicy(rules=parse_cleanup(data), is_dry_run=is_dry_run)


def _deletes(rule: CleanupRule, version: Version, package: str, now: datetime) -> bool:
    return rule.action is CleanupAction.DELETE and rule.condition.matches(version, package, now)


def _kept(rule: CleanupRule, versions: Sequence[Version], package: str, now: datetime) -> list[str]:
    """Give the digests that a rule keeps; one whose age cannot be told is kept to be sure."""
    if rule.keep_count is None:
        is_aged = rule.condition.newer_than is not None
        return [
            version.digest
            for version in versions
            if rule.condition.matches(version, package, now)
            or (is_aged and version.pushed_at is None)
        ]
    if not in_package(rule.condition.package_prefixes, package):
        return []
    dated = sorted(
        ((version.pushed_at, version.digest) for version in versions if version.pushed_at),
        reverse=True,
    )
    undated = [version.digest for version in versions if version.pushed_at is None]
    return [*undated, *(digest for _, digest in dated[: rule.keep_count])]
