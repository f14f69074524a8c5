"""What is found in a secret: a mistake, where it is, and what to do. Never the secret itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from regtools.schema import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake, or something worth a look."""

    code: str
    """Stable and upper-case; every one is in the documentation."""
    status: Status
    where: str
    """Document, key and host, as far as they can be shown."""
    summary: str
    remedy: str

    def within(self, place: str) -> Finding:
        """Give it with the place that its own is in."""
        return replace(self, where=f"{place}, {self.where}" if self.where else place)


def fail(code: str, where: str, summary: str, remedy: str) -> Finding:
    """Make the finding of what cannot work."""
    return Finding(code=code, status="fail", where=where, summary=summary, remedy=remedy)


def warn(code: str, where: str, summary: str, remedy: str) -> Finding:
    """Make the finding of what works somewhere, or not for long."""
    return Finding(code=code, status="warn", where=where, summary=summary, remedy=remedy)
