"""Where a GitLab server's interfaces and web pages are, and what of it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

VENDOR: Final = "GitLab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A GitLab server; it may lie below a path of its host."""

    home: str
    """``https://gitlab.example.com``, without a slash at the end."""

    @classmethod
    def at(cls, api_url: str) -> Self:
        """Tell it from the address of its API, with ``/api/v4`` or without."""
        home = api_url.rstrip("/")
        for end in ("/api/v4", "/api/graphql"):
            home = home.removesuffix(end)
        return cls(home=home)

    @property
    def rest(self) -> str:
        """Where REST is."""
        return f"{self.home}/api/v4"

    @property
    def graphql(self) -> str:
        """Where GraphQL is."""
        return f"{self.home}/api/graphql"

    def page(self, project: str, number: int) -> str:
        """Give the web page of a repository."""
        return f"{self.home}/{project}/container_registry/{number}"


def projects_of(path: str) -> list[str]:
    """Give the projects that a path may name or lie in, the nearest first.

    A project lies in a namespace, so that its path has a slash. Below it are only repositories.

    Examples
    --------
    >>> projects_of("group/project/image")
    ['group/project/image', 'group/project']
    """
    return [path, *_above(path)] if "/" in path else []


def _above(path: str) -> Iterator[str]:
    while "/" in (path := path.rpartition("/")[0]):
        yield path


def is_within(name: str, path: str) -> bool:
    """Whether a repository is what was asked for, or lies below it."""
    return not path or name == path or name.startswith(f"{path}/")
