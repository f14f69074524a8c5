"""From an HTTP answer that is not what was asked to one of our errors."""

from __future__ import annotations

import base64
import json
import re
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
    UnsupportedError,
)

MAX_SHOWN: Final = 300
"""Characters of a stranger's message in ours."""
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}")


def error_of(response: httpx.Response, *, what: str, quote: bool = True) -> RegistryError:
    """Make the error for an answer of status 400 and above; its body was read.

    Parameters
    ----------
    what
        What was asked for, in words: ``the manifest of team/app:1``.
    quote
        Whether to repeat the answer's message: not that of a token server, which was sent secrets.
    """
    codes, message = _told(response)
    for secret in _shown_secrets(response.request):
        message = message.replace(secret, "…")
    status, url = response.status_code, shown_url(response.request.url)
    told = f": {message}" if message and quote else ""
    common: dict[str, Any] = {
        "method": response.request.method,
        "url": url,
        "status": status,
        "registry_codes": codes,
    }
    host = response.request.url.netloc.decode("ascii", "replace")
    if status == 401:
        return UnauthorizedError(f"{host} wants a credential for {what}{told}.", **common)
    if status == 403:
        return DeniedError(f"{host} refuses {what}{told}.", **common)
    if status == 404:
        return NotFoundError(f"{host} has no such thing: {what}{told}.", **common)
    if status == 429 or (status == 503 and "retry-after" in response.headers):
        error = RateLimitedError(f"{host} asks to slow down at {what}{told}.", **common)
        error.retry_after = retry_after(response.headers, now=datetime.now(UTC))
        return error
    if status == 405 or "UNSUPPORTED" in codes:
        return UnsupportedError(f"{host} does not offer {what}{told}.", **common)
    if status == 400 and "HTTP request to an HTTPS server" in response.text:
        return MalformedAnswerError(
            f"{host} speaks TLS, and was asked in plain HTTP.",
            code="TLS_EXPECTED",
            remedy=f"Write https://{host}.",
            **common,
        )
    return RegistryError(
        f"{host} answered {status} for {what}{told}.",
        code="SERVER_ERROR" if status >= 500 else "",
        remedy="Look at the registry's own log." if status >= 500 else "",
        **common,
    )


def not_the_protocol(response: httpx.Response, *, what: str, fault: str) -> MalformedAnswerError:
    """Make the error for an answer of status 200 that is something else."""
    html = response.headers.get("content-type", "").lower().startswith("text/html")
    host = response.request.url.netloc.decode("ascii", "replace")
    return MalformedAnswerError(
        f"{host} answered {what} with a web page."
        if html
        else f"{host} answered {what} with something that {fault}.",
        code="ANSWER_HTML" if html else "",
        method=response.request.method,
        url=shown_url(response.request.url),
        status=response.status_code,
    )


def shown_url(url: httpx.URL) -> str:
    """Give an address without user name and query, where secrets stand."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"[:MAX_SHOWN]


def clean(text: str) -> str:
    """Make a stranger's words fit to be shown: one line, bounded, no control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}…"


def _shown_secrets(request: httpx.Request) -> list[str]:
    """Give what the request proved itself with, in every form: some servers repeat it."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    secrets = [value]
    if scheme.lower() == "basic":
        secrets.append(base64.b64decode(value).decode().partition(":")[2])
    return sorted((secret for secret in secrets if secret), key=len, reverse=True)


def _told(response: httpx.Response) -> tuple[tuple[str, ...], str]:
    """Read the registry's own codes and the first message (OCI distribution 1.1, Error Codes)."""
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        plain = response.headers.get("content-type", "").lower().startswith("text/plain")
        return (), clean(response.text).rstrip(".") if plain else ""
    errors = data.get("errors") if isinstance(data, dict) else None
    listed = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    codes = [str(entry.get("code", "")) for entry in listed[:10]]
    message = next((e["message"] for e in listed if isinstance(e.get("message"), str)), "")
    return tuple(code for code in codes if _CODE.fullmatch(code)), clean(message).rstrip(".")
