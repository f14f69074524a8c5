"""A workflow for GitHub Actions. Source: docs.github.com, workflow syntax and security hardening,
2026-11."""

from __future__ import annotations

from typing import Final

from regtools.errors import ConfigError
from regtools.scheduling.plan import Definition, Night
from regtools.scheduling.repository import FOLDER, image_of, steps, yaml

_TEXT: Final = """\
# .github/workflows/{name}.yml: regtools reads the registries and makes the reports, every night.
#
# Time zone: UTC. GitHub starts later at busy hours, makes up for no night it missed, starts only
#     what is on the default branch, and stops after 60 days without a commit in a public repository.
# Alert: a finding (exit code 1) or a run that could not finish (3) fails the job, and GitHub
#     mails whoever changed the schedule last.
# Secrets: Settings → Secrets and variables → Actions, under the names below.
name: {name}
on:
  schedule:
    - cron: "{time}"
  workflow_dispatch:
permissions:
  contents: read
{packages}# Once at a time; a run that goes on is not broken off by the next.
concurrency:
  group: {name}
  cancel-in-progress: false
jobs:
  regtools:
    runs-on: ubuntu-24.04
    timeout-minutes: 350
{container}    env:
{environment}
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
{python}{restore}{runs}{save}      - name: Keep the reports
        if: ${{{{ !cancelled() }}}}
        uses: actions/upload-artifact@v4
        with:
          name: {name}-reports
          path: {folder}/reports/
          # Its name begins with a dot.
          include-hidden-files: true
          if-no-files-found: ignore
          retention-days: 30
"""
_RESTORE: Final = """\
      # Each night saves a history of its own name, and begins with the newest. GitHub drops what
      # nobody read for 7 days; a bucket as history keeps it as long as you like.
      - name: Fetch the history of the nights before
        uses: actions/cache/restore@v4
        with:
          path: {folder}/history/
          key: {name}-history-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
          restore-keys: {name}-history-
"""
_SAVE: Final = """\
      - name: Keep the history
        # After a finding too, and after a run that could not finish: it goes on from there.
        if: ${{{{ !cancelled() }}}}
        uses: actions/cache/save@v4
        with:
          path: {folder}/history/
          key: {name}-history-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
"""
_PYTHON: Final = """\
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
"""


def github_actions(
    night: Night, *, image: str | None = None, install: str | None = None
) -> Definition:
    """Give the workflow.

    Parameters
    ----------
    image
        An image that holds regtools; the job runs in it.
    install
        What pip installs instead.

    Raises
    ------
    ConfigError
        Not exactly one of both is told, or GitHub would read a path as an expression.
    """
    commands = steps(night, image=image, install=install)
    if any("${{" in command for command in commands):
        raise ConfigError(
            "GitHub reads ${{ as the beginning of an expression.",
            remedy="Choose a path without it.",
        )
    is_folder = not night.is_history_in_bucket
    places = {"REGTOOLS_REPORTS": f"{FOLDER}/reports/"}
    if is_folder:
        places["REGTOOLS_HISTORY"] = f"{FOLDER}/history/"
    named = {"name": night.name, "folder": FOLDER}
    text = _TEXT.format(
        **named,
        time=night.cron_time,
        # The job's own token reads the packages of its repository's owner, if it may.
        packages="  packages: read\n" if "GITHUB_TOKEN" in night.secrets else "",
        container=f"    container:\n      image: {yaml(image_of(image))}\n" if image else "",
        environment="\n".join(f"      {key}: {value}" for key, value in places.items()),
        python="" if image else _PYTHON,
        restore=_RESTORE.format(**named) if is_folder else "",
        runs="".join(_run(command, night) for command in commands),
        save=_SAVE.format(**named) if is_folder else "",
    )
    return Definition(place=f".github/workflows/{night.name}.yml", text=text)


def _run(command: str, night: Night) -> str:
    if not command.startswith("regtools "):
        return f"      - run: {yaml(command)}\n"
    secrets = "".join(f"          {one}: ${{{{ secrets.{one} }}}}\n" for one in night.secrets)
    given = f"        # Only this step sees them.\n        env:\n{secrets}" if secrets else ""
    return f"      - name: Run\n        run: {yaml(command)}\n{given}"
