"""The realm of a challenge: where a token server is, and whether it may see the credential.

A registry decides where its clients go for tokens. One that is broken, or taken over, could name
any address: so the credential goes only where it plainly belongs.
"""

from __future__ import annotations

from collections.abc import Collection

import httpx

from regtools.errors import MalformedAnswerError, UnauthorizedError


def resolve_realm(realm: str, asked: httpx.URL) -> httpx.URL:
    """Give the token server's address; a realm may be relative to the address that was asked.

    Raises
    ------
    MalformedAnswerError
        Code ``CHALLENGE_MALFORMED``: it is no address.
    UnauthorizedError
        Code ``REALM_NOT_ALLOWED``: plain HTTP, though the registry speaks TLS.
    """
    try:
        found = asked.join(realm)
    except (httpx.InvalidURL, ValueError) as error:
        raise _no_address(asked) from error
    if found.scheme not in ("http", "https") or not found.host or found.userinfo:
        raise _no_address(asked)
    if found.scheme == "http" and asked.scheme == "https":
        raise not_allowed(asked, found, "in plain HTTP, though the registry itself speaks TLS")
    return found.copy_with(fragment=None)


def may_see_credential(realm: httpx.URL, asked: httpx.URL, allowed: Collection[str]) -> bool:
    """Whether a credential for the registry at `asked` may go to this token server.

    It may where both are one host, where the registry is a name below the token server's
    (``registry.gitlab.com`` → ``gitlab.com``), and where the user says so.

    Parameters
    ----------
    allowed
        Hosts, or ``host:port``, that the user trusts with it.
    """
    host, registry = realm.host.lower(), asked.host.lower()
    names = {host, realm.netloc.decode("ascii", "replace").lower()}
    return (
        host == registry
        or (registry.endswith(f".{host}") and "." in host)
        or not names.isdisjoint(entry.strip().lower() for entry in allowed)
    )


def not_allowed(asked: httpx.URL, realm: httpx.URL, why: str = "") -> UnauthorizedError:
    """Make the error of a realm that the credential was kept from."""
    insecure = bool(why)
    return UnauthorizedError(
        f"{asked.host} sends its clients to {realm.scheme}://{realm.host} for a token, "
        f"{why or 'which is another host'}; the credential was not sent there.",
        code="REALM_NOT_ALLOWED",
        remedy="The registry's operator must offer the token server over HTTPS."
        if insecure
        else f'If that host belongs to the registry, add allowed_realms = ["{realm.host}"] to its '
        "section in regtools.toml.",
        url=f"{realm.scheme}://{realm.host}{realm.path}",
        status=401,
    )


def _no_address(asked: httpx.URL) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"{asked.host} names a token server that is no address.",
        code="CHALLENGE_MALFORMED",
        remedy="The registry's operator must set the realm to the address of its token server.",
    )
