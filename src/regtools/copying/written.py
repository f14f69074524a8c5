"""How the files are written: a sentence that stays in its comment, and YAML."""

from __future__ import annotations

from typing import Any

import yaml


def one_line(text: str) -> str:
    """Make a text that ends no comment.

    Examples
    --------
    >>> one_line("3 tags\\nrm -rf /.")
    '3 tags rm -rf /'
    """
    return "".join(sign if sign.isprintable() else " " for sign in text).rstrip(".")


def as_yaml(document: dict[str, Any]) -> str:
    """Write YAML in the order given; what looks like another type than a text is quoted."""
    text: str = yaml.safe_dump(document, sort_keys=False, width=100)
    return text
