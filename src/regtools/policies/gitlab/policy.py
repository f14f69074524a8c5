"""A GitLab cleanup policy, decided as GitLab decides it.

Sources: GitLab documentation, page ``reduce_container_registry_storage``, and gitlab-org/gitlab,
``cleanup_tags_base_service.rb`` and the services above it; looked up 2026-11.

* The steps, for each repository: all tags but ``latest``; those that the regex to delete matches;
  not those that the regex to keep matches; but the ``keep_n`` newest of what is left; not those
  younger than ``older_than``. The rest goes.
* Tags go, not images. An image without its last tag is left to the garbage collection, with all
  that nothing else needs; an image that has another tag stays.
* A tag without a date counts as the newest, and never goes where its age matters.
* Protected and immutable tags are not in the inventory: what they keep is not known here.
* With the metadata database, GitLab takes a repository's tags in pages of 1,000, and keeps
  ``keep_n`` of each page; here they are kept of the repository, as the documentation says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from regtools.policies._base import Remark, RepositoryVersions, Verdict
from regtools.policies.gitlab.lint import lint_cleanup
from regtools.policies.gitlab.rules import CleanupRule, parse_cleanup


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabPolicy:
    """The cleanup policy of one project."""

    rule: CleanupRule

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "gitlab"

    @property
    def cascades(self) -> bool:
        """Always: the garbage collection takes what no tag leads to any more."""
        return True

    @property
    def unlocks(self) -> bool:
        """Never."""
        return False

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say which tags go."""
        if not self.rule.is_enabled:
            return []
        gone = self._gone(repository, now)
        return [
            Verdict(
                digest=version.digest,
                tags=tuple(tag for tag in version.tags if tag in gone),
                whole=False,
                rule=str(self.rule),
            )
            for version in repository.versions
            if not gone.isdisjoint(version.tags)
        ]

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the policy; the codes are those of `lint_cleanup`."""
        return lint_cleanup(self.rule, repositories)

    def _gone(self, repository: RepositoryVersions, now: datetime) -> set[str]:
        dates = dict(pair for version in repository.versions for pair in version.dated_tags())
        names = self.rule.names_to_delete(dates)
        dated = sorted(
            ((date, tag) for tag in names if (date := dates[tag]) is not None), reverse=True
        )
        if self.rule.keep_n is None and self.rule.older_than is None:
            return names
        # Those without a date come first, and take their places.
        places = max((self.rule.keep_n or 0) - (len(names) - len(dated)), 0)
        longest = timedelta(days=self.rule.older_than or 0)
        return {
            tag
            for date, tag in dated[places:]
            if self.rule.older_than is None or now - date > longest
        }


def parse_gitlab(data: object) -> GitLabPolicy:
    """Read a cleanup policy, as loaded from the JSON of the projects API.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: GitLab would not take it, or it is no cleanup policy. The message
        has the place, such as ``container_expiration_policy.older_than``, and what is allowed.
    """
    return GitLabPolicy(rule=parse_cleanup(data))
