"""Pages of a listing: the `Link` to the next one, and how to notice that there is no end.

Sources: RFC 8288 (Link); OCI distribution 1.1; ECR and Quay link with opaque cursors, so a
listing is only ever continued by its link (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import httpx

from regtools.errors import MalformedAnswerError

MAX_EMPTY_PAGES: Final = 20
"""Empty pages in a row, each with a link to another."""

_LINK: Final = re.compile(r'<(?P<target>[^<>]*)>(?P<parameters>(?:\s*;\s*(?:"[^"]*"|[^,"])*)*)')
_PARAMETER: Final = re.compile(
    r';\s*(?P<name>[^\s=;"]+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s;"]*))'
)


def next_link(headers: Iterable[str]) -> str | None:
    """Give the target of the first link with the relation ``next``.

    Examples
    --------
    >>> next_link(['</v2/_catalog?last=b&n=2>; rel="next"'])
    '/v2/_catalog?last=b&n=2'
    """
    for header in headers:
        for link in _LINK.finditer(header):
            for parameter in _PARAMETER.finditer(link["parameters"]):
                relations = (parameter["quoted"] or parameter["plain"] or "").lower().split()
                if parameter["name"].lower() == "rel" and "next" in relations:
                    return link["target"]
    return None


def next_page(asked: httpx.URL, headers: Iterable[str]) -> httpx.URL | None:
    """Give the address of the next page, None on the last one.

    Parameters
    ----------
    asked
        The address that was asked: links are relative to it, and may not lead away from it.

    Raises
    ------
    MalformedAnswerError
        Codes ``PAGE_FOREIGN_HOST`` and ``PAGE_MALFORMED``.
    """
    target = next_link(headers)
    if target is None:
        return None
    try:
        found = asked.join(target).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise _error(
            asked,
            "links to a next page that is no address",
            "PAGE_MALFORMED",
            "The registry, or a proxy in front of it, is broken.",
        ) from error
    if found.host != asked.host or found.userinfo:
        # Followed, it would carry the token there.
        raise _error(
            asked,
            f"goes on at another host, {found.host[:100]}",
            "PAGE_FOREIGN_HOST",
            "A proxy in front of the registry hides its own name from it: set X-Forwarded-Host "
            "there, or `http.host` in the registry.",
        )
    # Behind a gateway a registry may not know its own scheme and port: path and query are meant
    # (oras-project/artifacts-spec#93). So no link leads out of HTTPS either.
    return asked.copy_with(raw_path=found.raw_path)


class Listing:
    """One walk through the pages of a listing: what is new on each, and whether it goes on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._names: set[str] = set()
        self._asked: set[str] = set()
        self._empty = 0

    def new(self, names: Sequence[str]) -> list[str]:
        """Give the names that no page had before, in their order."""
        fresh = [name for name in dict.fromkeys(names) if name not in self._names]
        self._names.update(fresh)
        return fresh

    def following(
        self, asked: httpx.URL, headers: Iterable[str], *, names: int, fresh: int
    ) -> httpx.URL | None:
        """Give the address of the next page, None on the last one.

        Parameters
        ----------
        names, fresh
            How many names the page had, and how many of them no page had before.

        Raises
        ------
        MalformedAnswerError
            Code ``PAGE_REPEATED``: it goes in circles. And those of `next_page`.
        """
        self._asked.add(str(asked))
        found = next_page(asked, headers)
        if found is None:
            return None
        self._empty = 0 if names else self._empty + 1
        if str(found) in self._asked or (names and not fresh) or self._empty > MAX_EMPTY_PAGES:
            raise _error(
                asked,
                f"gives the same page of {self._what} again and again",
                "PAGE_REPEATED",
                "The registry's paging is broken; name a repository to read it without a listing.",
            )
        return found


def _error(asked: httpx.URL, fault: str, code: str, remedy: str) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"The listing of {asked.host} {fault}.",
        code=code,
        remedy=remedy,
        method="GET",
        url=f"{asked.scheme}://{asked.netloc.decode('ascii', 'replace')}{asked.path}",
    )
