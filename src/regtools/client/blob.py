"""Bytes of a blob, as a client would get them: from the registry, or from where it points."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from regtools.client.answer import etag_of, host_of
from regtools.client.exchange import REDIRECTS, Exchange
from regtools.reference import parse_digest, parse_repository

_TOTAL: Final = re.compile(r"bytes \d{1,18}-\d{1,18}/(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobHead:
    """What a registry says of a blob without giving it."""

    size: int | None
    """None: not told."""
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobBegun:
    """A registry's first answer to whoever wants bytes: they are in it, or it points elsewhere."""

    response: httpx.Response
    place: httpx.URL
    """Where the bytes are. It may be signed: all but its host is a secret."""
    is_redirect: bool
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobBytes:
    """Bytes that came."""

    host: str
    """``host[:port]`` that gave them."""
    status: int
    received: int
    total: int | None
    """Size of the whole blob; None: not told."""
    seconds: float
    """From the first question to the last byte."""


class BlobReader:
    """Reads from one repository's blobs, step by step, so that each step can be judged.

    Parameters
    ----------
    exchange
        A distribution's way to its registry.

    Every method raises `UnreachableError` where no answer comes, and a `RegistryError` where the
    answer is not the one asked for.
    """

    def __init__(self, exchange: Exchange[Any], repository: str) -> None:
        self._exchange = exchange
        self._repository = parse_repository(repository)

    async def head(self, digest: str) -> BlobHead | None:
        """Ask whether it is there and how large; None where the registry does not tell so.

        Storage signs its addresses for GET and refuses HEAD there (distribution#2055): where the
        registry points elsewhere, nothing is asked there.
        """
        response = await self._ask("HEAD", digest, {}, 0, understood={400, 401, 403, 404, 405, 501})
        if not response.is_success:
            return None
        size = response.headers.get("content-length", "")
        return BlobHead(size=_number(size), etag=etag_of(response))

    async def is_unchanged(self, digest: str, etag: str) -> bool:
        """Ask for it unless it is the one with this ETag: whether the registry says 304."""
        headers = {"If-None-Match": etag, "Range": "bytes=0-0"}
        response = await self._ask("GET", digest, headers, 1, understood={304, 412, 416})
        return response.status_code == 304

    async def begin(self, digest: str, most: int) -> BlobBegun:
        """Ask for the first bytes, at most so many; that a host ignores ``Range`` costs no more."""
        started = time.perf_counter()
        headers = {"Range": f"bytes=0-{most - 1}"}
        response = await self._ask("GET", digest, headers, most, understood={416})
        location = response.headers.get("location")
        is_redirect = response.status_code in REDIRECTS and location is not None
        try:
            place = response.request.url.join(location) if is_redirect else response.request.url
        except (httpx.InvalidURL, ValueError):
            # What points nowhere is refused by whoever follows it.
            place = response.request.url
        ms = round((time.perf_counter() - started) * 1000, 1)
        return BlobBegun(response=response, place=place, is_redirect=is_redirect, ms=ms)

    async def finish(self, begun: BlobBegun) -> BlobBytes:
        """Follow to where the bytes are, and read them."""
        started = time.perf_counter()
        last = await self._exchange.followed(begun.response)
        if not last.is_success:
            raise self._exchange.error(last, f"a blob of {self._repository}")
        told = _TOTAL.fullmatch(last.headers.get("content-range", ""))
        whole = last.headers.get("content-length", "") if last.status_code == 200 else ""
        return BlobBytes(
            host=host_of(last.request.url),
            status=last.status_code,
            received=len(last.content),
            total=_number(told[1] if told else whole),
            seconds=begun.ms / 1000 + time.perf_counter() - started,
        )

    async def _ask(
        self, method: str, digest: str, headers: dict[str, str], most: int, *, understood: set[int]
    ) -> httpx.Response:
        return await self._exchange.ask(
            method,
            f"/v2/{self._repository}/blobs/{parse_digest(digest)}",
            what=f"the blob {digest} of {self._repository}",
            scope=f"repository:{self._repository}:pull",
            headers=headers,
            max_bytes=most,
            understood=REDIRECTS | understood,
            follow=False,
        )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None
