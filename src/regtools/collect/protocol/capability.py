"""One thing of the protocol that a registry does, or does not; and all of them together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import pandas as pd

Answer = Literal["yes", "no", "refused", "unknown"]
MATTERS: Final = {
    "software": "which bugs and limits to look up",
    "api_version": "some clients want the header at /v2/",
    "auth": "which credential a client has to show, and where",
    "http2": "many small requests over one connection",
    "catalog": "a scan of everything; without it repositories have to be named",
    "catalog_page_size": "whether a client may choose how many names come at once",
    "catalog_most": "how many requests a listing costs",
    "catalog_link": "whether clients find the next page, also behind a proxy",
    "tags": "a scan at all",
    "tags_page_size": "whether a client may choose how many tags come at once",
    "tags_most": "how many requests a listing costs",
    "tags_link": "whether clients find the next page, also behind a proxy",
    "tags_order": "whether a listing can go on behind the last tag (`last`)",
    "unknown_repository": "whether a mistyped name is told from an empty repository",
    "manifest_head": "a later scan without a pull, and one request a tag",
    "digest_header": "tags resolved without their manifest",
    "manifest_etag": "mirrors that ask only for what changed",
    "schema1": "very old clients; a sign of distribution before 3",
    "referrers": "signatures, SBOMs and attestations found by their image",
    "referrers_filter": "one kind of them without all others",
    "blob_head": "sizes of layers that no manifest tells",
    "blob_range": "downloads that go on where they broke off, lazy pulling",
    "blob_redirect": "another host that clients must reach, and firewalls must let through",
    "blob_etag": "caches that ask only for what changed",
    "sha512": "images whose digests are not sha256",
    "rate_headers": "whether a client can see how much is left",
    "warnings": "what the operator wants everybody to know",
    "writes": "push and delete",
}
"""Every capability, in the order that they are shown in, and what it is good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What was asked, and what came of it."""

    capability: str
    """One of `MATTERS`."""
    answer: Answer
    """``yes``, ``no``, ``refused`` (for this caller), or ``unknown`` (nothing to see it by)."""
    value: str = ""
    """What was measured, in a few words."""
    evidence: str = ""
    """The request, and what came back."""

    @property
    def matters(self) -> str:
        """What it is good for."""
        return MATTERS[self.capability]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """All that was measured of one registry."""

    target: str
    """As it was given."""
    registry: str
    repository: str
    """In which it was measured; empty: none was found."""
    rows: tuple[Capability, ...]
    requests: int

    def __getitem__(self, capability: str) -> Capability:
        """Give one by its name."""
        return next(row for row in self.rows if row.capability == capability)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a capability: capability, answer, value, evidence, matters."""
        import pandas as pd

        return pd.DataFrame([{**asdict(row), "matters": row.matters} for row in self.rows])

    def document(self) -> dict[str, Any]:
        """Give what ``--json`` prints, but for its version."""
        return {
            "target": self.target,
            "registry": self.registry,
            "repository": self.repository,
            "requests": self.requests,
            "capabilities": [{**asdict(row), "matters": row.matters} for row in self.rows],
        }

    def __repr__(self) -> str:
        can = sum(row.answer == "yes" for row in self.rows)
        return f"<Capabilities of {self.target}: {can} of {len(self.rows)}>"

    def _repr_html_(self) -> str:
        """Show in a notebook what it can do, and what that is good for."""
        lines = []
        for row in self.rows:
            cells = (row.capability, row.answer, row.value, row.matters)
            told = "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in cells)
            lines.append(f'<tr title="{escape(row.evidence)}">{told}</tr>')
        return f"<table>{''.join(lines)}</table>"
