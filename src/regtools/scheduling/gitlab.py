"""A job for GitLab CI. Source: docs.gitlab.com, CI/CD YAML syntax reference and scheduled
pipelines, 2026-11."""

from __future__ import annotations

from typing import Final

from regtools.errors import ConfigError
from regtools.scheduling.plan import Definition, Night
from regtools.scheduling.repository import FOLDER, image_of, steps, yaml

_KEYWORDS: Final = frozenset(
    {"image", "services", "stages", "types", "variables", "cache", "include", "default", "workflow"}
    | {"pages", "spec"}
)
"""Names that no job can have."""
_PYTHON: Final = "docker.io/library/python:3.12-slim"
_TEXT: Final = """\
# Part of .gitlab-ci.yml: regtools reads the registries and makes the reports, every night.
#
# Time: GitLab keeps it outside of this file: Build → Pipeline schedules → New schedule, with the
#     interval pattern `{time}` and your time zone. It makes up for no night it missed.
# Alert: a finding (exit code 1) or a run that could not finish (3) fails the pipeline, and GitLab
#     mails the schedule's owner.
# Secrets: Settings → CI/CD → Variables, each masked (and hidden), protected, not expanded{names}.
{name}:
  image:
    name: {image}
    entrypoint: [""]
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
  # Once at a time; a run that goes on is not broken off by the next.
  resource_group: {name}
  interruptible: false
  timeout: 6 hours
  # What could not finish goes on from where it stopped; a finding stays one.
  retry:
    max: 1
    exit_codes: [3]
  variables:
    GIT_DEPTH: "1"
{environment}
{cache}  script:
{script}
  artifacts:
    when: always
    # Reports name your images: for those who work here.
    access: developer
    paths:
      - {folder}/reports/
    expire_in: 30 days
"""
_CACHE: Final = """\
  # The history of the nights before. Runners that share nothing need a shared cache, or a bucket
  # as history: then each finds what another wrote.
  cache:
    key: {name}-history
    paths:
      - {folder}/history/
    policy: pull-push
    when: always
"""


def gitlab_ci(night: Night, *, image: str | None = None, install: str | None = None) -> Definition:
    """Give the job.

    Parameters
    ----------
    image
        An image that holds regtools.
    install
        What pip installs instead, in an image of Python.

    Raises
    ------
    ConfigError
        Not exactly one of both is told, or the name is a keyword of GitLab.
    """
    commands = steps(night, image=image, install=install)
    if night.name in _KEYWORDS:
        raise ConfigError(
            f"GitLab takes {night.name!r} for a keyword.", remedy="Use another --name."
        )
    # GitLab itself sets those that begin with CI_.
    own = [name for name in night.secrets if not name.startswith("CI_")]
    is_folder = not night.is_history_in_bucket
    places = {"REGTOOLS_REPORTS": f"{FOLDER}/reports/"}
    if is_folder:
        places["REGTOOLS_HISTORY"] = f"{FOLDER}/history/"
    text = _TEXT.format(
        name=night.name,
        folder=FOLDER,
        time=night.cron_time,
        names=f": {', '.join(own)}" if own else "",
        image=yaml(image_of(image) if image else _PYTHON),
        environment="\n".join(f"    {key}: {value}" for key, value in places.items()),
        cache=_CACHE.format(name=night.name, folder=FOLDER) if is_folder else "",
        script="\n".join(f"    - {yaml(command)}" for command in commands),
    )
    return Definition(place=".gitlab-ci.yml", text=text)
