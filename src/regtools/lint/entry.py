"""One entry of ``auths``: is there a credential in it that a registry could take?"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from regtools.credentials import expires_at, mapping, text
from regtools.lint.finding import Finding, fail, warn

SOON: Final = timedelta(days=7)
"""A token that ends sooner is renewed by a program, or it stops a pull one of these days."""
_PAIR: Final = re.compile(r"[^\s:]+:\S+")
_HOURS: Final = {
    "AWS": "ECR's password, which ends after 12 hours",
    "oauth2accesstoken": "Google's access token, which ends after an hour",
    "00000000-0000-0000-0000-000000000000": "an Azure token, which ends after three hours",
}
_RENEW: Final = (
    "Let a program renew it (a CronJob, an operator), use the node's own credential provider, or a "
    "credential that lasts: a deploy token, a robot account."
)


def lint_entry(
    entry: object, where: str, *, is_in_cluster: bool, has_store: bool, now: datetime
) -> Iterator[Finding]:
    """Look at what stands under one host.

    Parameters
    ----------
    is_in_cluster
        Whether the kubelet reads it.
    has_store
        Whether an empty entry means that a credential store has it.
    """
    told = mapping(entry)
    username, password = text(told.get("username")), text(told.get("password"))
    encoded = text(told.get("auth"))
    identity = text(told.get("identitytoken"))
    if encoded:
        pair = _pair(encoded)
        if isinstance(pair, str):
            yield _unreadable(pair, where)
            return
        if (username and username != pair[0]) or (password and password != pair[1]):
            yield warn(
                "AUTH_DIFFERS",
                where,
                "`auth` says something else than `username` and `password`.",
                "Leave out `username` and `password`: most programs read `auth` alone.",
            )
        username, password = pair
    if identity:
        if is_in_cluster:
            yield fail(
                "IDENTITY_TOKEN",
                where,
                "It holds an identity token, which the kubelet does not exchange.",
                "Put a user name and a password or access token there.",
            )
        return
    if not (username or password):
        if not has_store:
            yield fail(
                "AUTH_EMPTY",
                where,
                "It holds no credential.",
                "Log in with a program that writes it: `kubectl create secret docker-registry`.",
            )
        return
    yield from _login(username, password, where, now)


def _login(username: str, password: str, where: str, now: datetime) -> Iterator[Finding]:
    for name, value in (("user name", username), ("password", password)):
        if value != value.strip():
            yield fail(
                "LOGIN_WHITESPACE",
                where,
                f"The {name} begins or ends with white space, often a newline.",
                "Encode without it: `printf %s 'user:password' | base64 -w0`.",
            )
        elif not value:
            yield fail("LOGIN_EMPTY", where, f"The {name} is empty.", "Log in again.")
    bare = password.strip()
    if _holds_pair(bare, username.strip()):
        yield fail(
            "PASSWORD_ENCODED",
            where,
            "The password is itself base64 of a user name and password.",
            "Encode user:password once, into `auth`.",
        )
    if username.startswith("_json_key"):
        yield from _google(username, bare, where)
        return
    ends = expires_at(bare)
    if ends is not None and ends <= now:
        yield fail("TOKEN_ENDED", where, f"The token ended at {ends:%Y-%m-%d %H:%M} UTC.", _RENEW)
    elif ends is not None and ends - now < SOON:
        said = f"The token ends at {ends:%Y-%m-%d %H:%M} UTC."
        yield warn("TOKEN_ENDS_SOON", where, said, _RENEW)
    elif username in _HOURS:
        yield warn("TOKEN_ENDS_SOON", where, f"It is {_HOURS[username]}.", _RENEW)


def _pair(encoded: str) -> tuple[str, str] | str:
    """Take `auth` apart; a text says why that fails."""
    decoded = _decoded(encoded)
    if decoded is None:
        return "AUTH_NOT_BASE64"
    username, colon, password = decoded.partition(":")
    if colon:
        return username, password.rstrip("\0")  # Docker pads with NUL.
    return "AUTH_ENCODED_TWICE" if _PAIR.fullmatch(_decoded(decoded) or "") else "AUTH_NO_COLON"


def _unreadable(code: str, where: str) -> Finding:
    said = {
        "AUTH_NOT_BASE64": "`auth` is not base64.",
        "AUTH_ENCODED_TWICE": "`auth` is base64 of base64.",
        "AUTH_NO_COLON": "`auth` is base64 of something without a colon.",
    }
    return fail(
        code,
        where,
        said[code],
        "It is base64 of user:password: `printf %s 'user:password' | base64 -w0`.",
    )


def _google(username: str, password: str, where: str) -> Iterator[Finding]:
    """Look at a service account's key, which stands where a password would."""
    key = _object(password)
    inside = _object(_decoded(password) or "")
    if username == "_json_key" and key is None and inside is not None:
        yield fail(
            "GOOGLE_KEY_ENCODED",
            where,
            "The key is base64, and the user name says that it is not.",
            "Name the user `_json_key_base64`, or give the key as Google made it.",
        )
        return
    found = key if username == "_json_key" else inside
    if found is None or "private_key" not in found:
        yield fail(
            "GOOGLE_KEY_BROKEN",
            where,
            "What stands in the password's place is no key of a service account.",
            'Give the whole JSON file: `--docker-password="$(cat key.json)"`.',
        )


def _object(encoded: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(encoded)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None


def _holds_pair(password: str, username: str) -> bool:
    decoded = _decoded(password)
    return bool(
        username and decoded and _PAIR.fullmatch(decoded) and decoded.startswith(f"{username}:")
    )
