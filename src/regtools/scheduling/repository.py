"""What a definition says that lies in a repository and runs in a container or on a fresh machine."""

from __future__ import annotations

import json
import shlex
from pathlib import PurePosixPath
from typing import Final

from regtools.errors import ConfigError
from regtools.reference import parse_reference
from regtools.scheduling.plan import Night

FOLDER: Final = ".regtools"
"""Below the checkout, where history and reports lie while a job runs."""


def image_of(image: str) -> str:
    """Give the name of an image.

    Raises
    ------
    InvalidReferenceError
        It is none.
    """
    parse_reference(image)
    return image


def steps(night: Night, *, image: str | None, install: str | None) -> list[str]:
    """Give the shell commands: the installation, where the image does not hold it, and the run.

    Raises
    ------
    ConfigError
        Not exactly one of image and installation is told, or the settings lie elsewhere.
    """
    if (image is None) == (install is None):
        raise ConfigError(
            "Where does the job get regtools from?",
            remedy="Name an image that holds it with --image, or what pip installs with --install.",
        )
    path = PurePosixPath(night.config)
    if path.is_absolute() or ".." in path.parts or night.config.startswith("-"):
        raise ConfigError(
            f"The job will find no {night.config!r}: it reads the settings from its repository.",
            remedy="Give --config as it lies in the repository, such as regtools.toml.",
        )
    run = f"regtools run --quiet --config {shlex.quote(night.config)}"
    if install is None:
        return [run]
    if install.startswith("-") or not install.isprintable() or not install.strip():
        raise ConfigError(
            f"pip cannot install {install!r}.",
            remedy="Write what stands after `pip install`: a name and version, a URL or a folder.",
        )
    return [
        f"python -m pip install --quiet --disable-pip-version-check {shlex.quote(install)}",
        run,
    ]


def yaml(text: str) -> str:
    """Write text so that YAML reads the same back: JSON's strings are YAML's."""
    return json.dumps(text)
