"""Definitions that start `regtools run` every night, each in its scheduler's own words."""

from regtools.scheduling.cron import cron
from regtools.scheduling.github import github_actions
from regtools.scheduling.gitlab import gitlab_ci
from regtools.scheduling.kubernetes import kubernetes
from regtools.scheduling.plan import Definition, Night, at_time, checked_name, checked_zone
from regtools.scheduling.systemd import Unit, systemd

__all__ = [
    "Definition",
    "Night",
    "Unit",
    "at_time",
    "checked_name",
    "checked_zone",
    "cron",
    "github_actions",
    "gitlab_ci",
    "kubernetes",
    "systemd",
]
