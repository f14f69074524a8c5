"""What is to be copied, as the programs that copy need it: in order, by digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regtools.reference import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A manifest or index that is to be at the destination, under a tag or by its digest."""

    repository: str
    """At the source."""
    digest: str
    destination: str
    """The repository there."""
    tag: str = ""
    """Empty: it has none."""
    media_type: str = ""
    is_list_only: bool = False
    """An index to be written as it is: what is in it was copied before, since skopeo refuses an
    index inside an index, and changes one that tells the kinds of artifacts."""
    is_part: bool = False
    """It is copied by itself only because its index is such a one."""

    @property
    def place(self) -> str:
        """``repository:tag`` or ``repository@digest`` at the destination."""
        return f"{self.destination}{self._name}"

    @property
    def _name(self) -> str:
        return f":{self.tag}" if self.tag else f"@{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """A whole migration: what goes, in the order in which it must."""

    source: Target
    destination: Target
    copies: Sequence[Copy]
    about: str
    """Of which scan and how much, in one line."""
    first: Sequence[str] = ()
    """What the destination wants done before, in sentences."""

    @property
    def tagged(self) -> Sequence[Copy]:
        """The tags alone, for programs that find out the rest themselves."""
        return [one for one in self.copies if one.tag]
