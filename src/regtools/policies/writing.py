"""The house's rule in a vendor's own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from regtools.errors import ConfigError
from regtools.policies.artifactregistry import emit_artifactregistry
from regtools.policies.ecr import emit_ecr
from regtools.policies.form import words
from regtools.policies.gitlab import emit_gitlab
from regtools.policies.harbor import emit_harbor
from regtools.policies.rule import Rule

EMITTERS: Final[Mapping[str, Callable[[Rule], str]]] = MappingProxyType(
    {
        "ecr": emit_ecr,
        "artifact-registry": emit_artifactregistry,
        "harbor": emit_harbor,
        "gitlab": emit_gitlab,
    }
)
"""Vendors by the word of ``--emit``."""


def emit_rule(rule: Rule, vendor: str) -> str:
    """Write a rule as a vendor's policy; it never deletes an image that the rule keeps.

    Raises
    ------
    ConfigError
        Codes ``VENDOR_UNKNOWN``, and ``EMIT_IMPOSSIBLE``: the vendor cannot say the same; the
        message names the condition.
    """
    if vendor not in EMITTERS:
        raise ConfigError(
            f"No rule can be written for {vendor!r}.",
            code="VENDOR_UNKNOWN",
            remedy=f"Choose one of {words([*EMITTERS])}.",
        )
    return EMITTERS[vendor](rule)
