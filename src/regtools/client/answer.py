"""From an HTTP answer to its content, or to the error that it is.

What stands in an answer was written by strangers. A message of theirs is shown on one line, of
bounded length, without addresses' queries (signed ones are secrets) and without our own secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from regtools.client.limit import retry_after
from regtools.errors import (
    DeniedError,
    MalformedAnswerError,
    NotFoundError,
    RateLimitedError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
    UnsupportedError,
)

MAX_SHOWN: Final = 300
"""Characters of a stranger's message in ours."""

QUOTA_USED_UP: Final = "QUOTA_USED_UP"
"""A number of requests or pulls in a window, and none is left: another try changes nothing."""

_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]*"')
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_QUERY: Final = re.compile(r"(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(https?://)[^\s/@\"'<>]*@", re.IGNORECASE)
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


def error_of(
    response: httpx.Response,
    *,
    what: str,
    source: str = "",
    secrets: Collection[str] = (),
    is_stranger: bool = False,
) -> RegistryError | UnreachableError:
    """Make the error for an answer that is not a success; its body was read.

    Parameters
    ----------
    what
        What was asked for, in words: ``the manifest of team/app:1``.
    source
        Where the credential that was shown comes from; empty: none was.
    secrets
        Texts that must not come back in the message.
    is_stranger
        Whether another host answered, where a redirect led: its words are not quoted.
    """
    codes, message = ((), "") if is_stranger else _told(response, secrets)
    host, status = host_of(response.request.url), response.status_code
    if status == 407:
        return UnreachableError(
            f"The proxy on the way to {host} wants a password.",
            stage="proxy",
            host=host,
            code="PROXY_FAILED",
            remedy="Put user and password into HTTPS_PROXY or HTTP_PROXY: http://user:password@host.",
        )
    if status == 400 and response.request.url.scheme == "http" and "https" in message.lower():
        return UnreachableError(
            f"{host} speaks TLS, and was asked in plain HTTP.",
            stage="tls",
            host=host,
            code="TLS_EXPECTED",
            remedy=f"Ask for https://{host} instead of http://{host}.",
        )
    if status == 403 and _is_limit(response, message):
        status = 429
    kind, said, code, remedy = _judged(status, codes, message, source)
    told = ", ".join(filter(None, ["/".join(codes), message]))
    error = kind(
        f"{host} {said} {what} (status {status}{f': {told}' if told else ''}).",
        method=response.request.method,
        url=shown_url(response.request.url),
        status=status,
        registry_codes=codes,
        code=code,
        remedy=remedy,
    )
    if isinstance(error, RateLimitedError):
        error.retry_after = retry_after(response.headers, now=datetime.now(UTC))
        _explain_limit(error, response, message)
    return error


def _is_limit(response: httpx.Response, message: str) -> bool:
    """Whether a 403 means "not now": GitHub's quotas do, the secondary ones with Retry-After or
    with words alone (its documentation, "Rate limits for the REST API", 2026-11)."""
    return (
        _is_zero(response, "x-ratelimit-remaining")
        or "retry-after" in response.headers
        or "secondary rate limit" in message.lower()
    )


def _is_zero(response: httpx.Response, header: str) -> bool:
    told: str = response.headers.get(header, "")
    return told.partition(";")[0].strip() == "0"


def _explain_limit(error: RateLimitedError, response: httpx.Response, message: str) -> None:
    """Tell a quota that is used up from a guard against too much at once.

    Docker Hub's limit of pulls comes with its headers and words; its guard against abuse is plain
    text without either (docs.docker.com, "Usage and limits", 2026-11).
    """
    if _is_zero(response, "ratelimit-remaining") or "pull rate limit" in message.lower():
        error.code = QUOTA_USED_UP
        error.remedy = (
            "The quota of pulls is used up. It grows with an account: log in, or wait until the "
            "window has passed. What was already collected is kept."
        )
    elif _is_zero(response, "x-ratelimit-remaining"):
        error.code = QUOTA_USED_UP
        soon = f" in {error.retry_after / 60:.0f} minutes" if error.retry_after else " later"
        error.remedy = (
            f"The quota of requests is used up: run again{soon}. What was already collected is "
            "kept. Quotas are larger for somebody who is logged in."
        )
    elif error.retry_after is None and not error.registry_codes:
        error.remedy = (
            "No quota is told: this is a guard against too many requests at once. Wait some "
            "minutes, then run again with --connections 4. What was already collected is kept."
        )


def malformed(
    response: httpx.Response, *, what: str, fault: str, code: str = "", remedy: str = ""
) -> MalformedAnswerError:
    """Make the error for a success that is something else than was asked for."""
    host = host_of(response.request.url)
    if is_html(response):
        fault, code = "is a web page", "ANSWER_HTML"
    elif response.content[:2] == b"\x1f\x8b":
        fault, code = "is compressed, which was not asked for", "ANSWER_ENCODED"
    return MalformedAnswerError(
        f"What {host} gave as {what} {fault}.",
        code=code,
        remedy=remedy,
        method=response.request.method,
        url=shown_url(response.request.url),
        status=response.status_code,
    )


def json_object(response: httpx.Response, *, what: str) -> dict[str, Any]:
    """Read an answer's body as a JSON object, whatever type it says it has (ECR: text/plain).

    Raises
    ------
    MalformedAnswerError
        Codes ``ANSWER_TOO_LARGE``, ``ANSWER_HTML``, ``ANSWER_NOT_JSON``.
    """
    if is_cut(response):
        raise malformed(response, what=what, fault="is too large", code="ANSWER_TOO_LARGE")
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise malformed(response, what=what, fault="is not JSON", code="ANSWER_NOT_JSON") from error
    if not isinstance(data, dict):
        raise malformed(response, what=what, fault="is no JSON object", code="ANSWER_NOT_JSON")
    return data


def is_html(response: httpx.Response) -> bool:
    """Whether a web page came: a login, a portal, or the registry's user interface."""
    kind = response.headers.get("content-type", "").lower()
    return kind.startswith(("text/html", "application/xhtml")) or response.content[
        :200
    ].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def etag_of(response: httpx.Response) -> str:
    """Give the ETag, as it may be sent back (RFC 9110, 8.8.3); empty: there is none, or no such."""
    told: str = response.headers.get("etag", "")
    return told if _ETAG.fullmatch(told) else ""


def is_cut(response: httpx.Response) -> bool:
    """Whether the body went on past the bound that the request set."""
    return bool(response.extensions.get("cut"))


def shown_url(url: httpx.URL) -> str:
    """Give an address without user name, query and fragment, where secrets stand."""
    return clean(f"{url.scheme}://{host_of(url)}{url.path}")


def host_of(url: httpx.URL) -> str:
    """Give ``host`` or ``host:port``."""
    return clean(url.netloc.decode("ascii", "replace"))


def clean(text: str, secrets: Collection[str] = ()) -> str:
    """Make a stranger's words fit to be shown: one line, bounded, no control characters."""
    text = text[: 8 * MAX_SHOWN]
    for secret in secrets:
        text = text.replace(secret, "***")
    text = _JWT.sub("***", _USERINFO.sub(r"\1", _QUERY.sub(r"\1?…", text)))
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}…"


def _judged(
    status: int, codes: tuple[str, ...], message: str, source: str
) -> tuple[type[RegistryError], str, str, str]:
    """Give the class, what the registry did in words, and a code and remedy above the class's."""
    if status == 405 or "UNSUPPORTED" in codes:
        return UnsupportedError, "does not offer", "", "Another way to ask is needed here."
    if status == 401:
        said = f"does not accept the credential from {source} for" if source else "does not give"
        return UnauthorizedError, said, "", "" if source else _LOG_IN
    if status == 403:
        # Amazon ECR says so in a 403, as plain text (fluxcd/flux#71, 2026-11).
        if "expired" in message.lower():
            return DeniedError, "refuses", "CREDENTIAL_EXPIRED", _EXPIRED
        return DeniedError, "refuses", "", ""
    if status == 404:
        return NotFoundError, "does not have", "", ""
    if status == 429:
        return RateLimitedError, "asks to slow down and does not give", "", ""
    if status >= 500:
        return RegistryError, "failed to give", "SERVER_ERROR", _ILL
    return RegistryError, "does not give", "REQUEST_REFUSED", ""


_LOG_IN: Final = (
    "It wants a credential: `docker login`, or --username and --password env:NAME. "
    "`regtools check-auth` shows where one was looked for."
)
_EXPIRED: Final = "The password or token is out of date: get a new one, and try again."
_ILL: Final = "The registry itself, or a proxy in front of it, is ill: look at its log."


def _told(response: httpx.Response, secrets: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Read the registry's own codes and its first message (OCI distribution 1.1, Error Codes)."""
    token = response.request.headers.get("authorization", "").partition(" ")[2]
    secrets = (token, *secrets) if token else secrets
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        if is_html(response) or response.content.lstrip()[:1] == b"<":
            return (), ""
        return (), clean(response.content[:4096].decode("utf-8", "replace"), secrets).rstrip(".")
    if not isinstance(data, dict):
        return (), ""
    listed = data.get("errors")
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    codes = tuple(c for c in (str(entry.get("code", "")) for entry in entries[:10]))
    # Token servers write one message: `details` (distribution) or `error_description` (RFC 6749).
    entries += [data]
    names = ("message", "details", "error_description")
    texts = (entry[name] for entry in entries for name in names if name in entry)
    message = next((text for text in texts if isinstance(text, str)), "")
    known = tuple(dict.fromkeys(code for code in codes if _CODE.fullmatch(code)))
    return known, clean(message, secrets).rstrip(".")
