"""A vendor's policy from a file: whose it is shows in its shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from regtools.errors import ConfigError
from regtools.policies._base import Policy
from regtools.policies.acr import is_acr, parse_acr
from regtools.policies.artifactregistry import is_artifactregistry, parse_artifactregistry
from regtools.policies.documents import load_yaml, read_text
from regtools.policies.ecr import is_ecr, parse_ecr
from regtools.policies.gitlab import is_gitlab, parse_gitlab
from regtools.policies.harbor import is_harbor, parse_harbor
from regtools.policies.zot import is_zot, parse_zot

MAX_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class _Form:
    """How one vendor writes its policies."""

    title: str
    recognizes: Callable[[object], bool]
    parse: Callable[[object], Policy]


_FORMS: Final = (
    _Form("an ECR lifecycle policy", is_ecr, parse_ecr),
    _Form("Artifact Registry cleanup policies", is_artifactregistry, parse_artifactregistry),
    _Form("a Harbor retention policy", is_harbor, parse_harbor),
    _Form("a GitLab cleanup policy", is_gitlab, parse_gitlab),
    _Form("zot's retention", is_zot, parse_zot),
    # Last: it looks into every text.
    _Form("a command or script with acr purge, or ACR's retention policy", is_acr, parse_acr),
)


def read_policy(file: Path) -> Policy:
    """Read a vendor's retention policy: JSON or YAML, or text that says it.

    Raises
    ------
    ConfigError
        Codes ``POLICY_UNREADABLE`` (no such file, too large, not text), ``POLICY_UNKNOWN`` (no
        vendor writes it like that) and ``POLICY_INVALID`` (its vendor would not take it; where).
    """
    data = _loaded(read_text(file, most_bytes=MAX_BYTES, code="POLICY_UNREADABLE"), file)
    for form in _FORMS:
        if form.recognizes(data):
            return form.parse(data)
    known = "; ".join(form.title for form in _FORMS)
    raise ConfigError(
        f"{file} is no policy that is known here.",
        code="POLICY_UNKNOWN",
        remedy=f"These are read: {known}. See the page on policies.",
    )


def _loaded(text: str, file: Path) -> Any:
    """Give JSON's or YAML's data, or the text itself where it is neither."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file} is not JSON: {error}.", code="POLICY_INVALID") from error
    try:
        documents = load_yaml(text, file, code="POLICY_INVALID")
    except ConfigError:
        return text
    # A script may pass for one long text of YAML, with its lines joined.
    is_data = len(documents) == 1 and not isinstance(documents[0], str)
    return documents[0] if is_data else text
