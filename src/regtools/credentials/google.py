"""Google's access tokens, for whoever has a service account's key or application-default credentials.

An access token lives an hour, a scan may live longer: so the credential carries what gets the next
one. The registry itself takes a key as it is (user ``_json_key``); Google's API takes only tokens.

The order of application-default credentials is Google's own: the file that
``GOOGLE_APPLICATION_CREDENTIALS`` names, gcloud's ``application_default_credentials.json``, the
metadata server of the machine (cloud.google.com, "How Application Default Credentials works",
2026-11). `google-auth` reads and signs; requests go out here, as everything else does: with the
user's certificates and proxies, without netrc, and never along a redirect.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from regtools.credentials._base import Credential, SourceError, read_json
from regtools.errors import ConfigError, UnauthorizedError, UnreachableError
from regtools.reference import is_loopback

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

GOOGLE: Final = "google"
"""The reference to application-default credentials."""
TOKEN_USER: Final = "oauth2accesstoken"  # noqa: S105  # a user name
"""Who shows an access token to the registry."""
KEY_USERS: Final = ("_json_key", "_json_key_base64")
"""Who shows a service account's key to the registry, as it is or in base64."""
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform.read-only"

_SECONDS: Final = 20.0
_MOST_BYTES: Final = 2**20
_METADATA: Final = frozenset({"metadata.google.internal", "169.254.169.254"})
_OURS: Final = re.compile(r"(?:[a-z0-9-]+\.)*(?:googleapis|google)\.com")
_ADDRESSES: Final = (
    "token_uri",
    "token_url",
    "token_info_url",
    "service_account_impersonation_url",
)

# It tells of what it tries on its way; who set a level hears it.
_logger = logging.getLogger("google.auth")
if _logger.level == logging.NOTSET:
    _logger.setLevel(logging.ERROR)


def with_google(
    credential: Credential,
    *,
    tls: Callable[[], ssl.SSLContext],
    environ: Mapping[str, str],
    home: Path,
) -> tuple[Credential, Callable[[], str] | None]:
    """Give the credential for the registry, and what gets tokens for Google's API.

    Nothing is asked of anybody yet, and what is nothing of Google's comes back as it is.

    Parameters
    ----------
    tls
        Gives the certificates to trust.

    Raises
    ------
    ConfigError
        Code ``GOOGLE_KEY_INVALID``: the user is ``_json_key``, and the password no key.
    """
    if credential.cloud == GOOGLE:
        tokens = GoogleTokens(lambda ask: _default(ask, environ, home), tls, credential.source)
        return replace(credential, username=TOKEN_USER, renew=tokens), tokens
    if credential.username in KEY_USERS and credential.password:
        key = _key(credential)
        return credential, GoogleTokens(lambda _: _from_key(key), tls, credential.source)
    return credential, None


class GoogleTokens:
    """Gets access tokens: each call gives one that holds for minutes at least.

    Raises
    ------
    ConfigError
        Codes ``CREDENTIAL_MISSING``, ``GOOGLE_KEY_INVALID``.
    UnauthorizedError
        Google does not accept the key, or the login has ended.
    UnreachableError
        Google's token server does not answer.
    """

    def __init__(
        self,
        load: Callable[[_Ask], Credentials],
        tls: Callable[[], ssl.SSLContext],
        source: str,
    ) -> None:
        self._load = load
        self._tls = tls
        self._source = source
        self._lock = threading.Lock()
        self._ask: _Ask | None = None
        self._credentials: Credentials | None = None

    def __call__(self) -> str:
        """Give a token; it blocks while Google is asked."""
        from google.auth import exceptions

        with self._lock:
            if self._ask is None:
                self._ask = _Ask(self._tls())
            try:
                if self._credentials is None:
                    self._credentials = self._load(self._ask)
                # Google's library calls a token ended some minutes before it is.
                if not self._credentials.valid:
                    self._credentials.refresh(self._ask)
                return str(self._credentials.token)
            except exceptions.DefaultCredentialsError as error:
                raise _missing() from error
            except exceptions.TransportError as error:
                raise _unreachable(self._ask.host) from error
            except exceptions.GoogleAuthError as error:
                raise _refused(error, self._source) from error


class _Ask:
    """How Google's library sends requests (its ``google.auth.transport.Request``)."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        secure = urllib.request.HTTPSHandler(context=tls)
        straight = urllib.request.ProxyHandler({})
        self._direct = urllib.request.build_opener(secure, straight, _NoRedirects)
        self._proxied = urllib.request.build_opener(secure, _NoRedirects)
        self.host = ""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        """Send one request, and read its answer whatever its status."""
        from google.auth.exceptions import TransportError

        self.host = urlsplit(url).hostname or ""
        if not url.startswith(("https://", "http://")):
            raise TransportError("no address")
        request = urllib.request.Request(  # noqa: S310
            url,
            data=body.encode() if isinstance(body, str) else body,
            headers=dict(headers or {}),
            method=method,
        )
        # This machine, and its metadata server, are behind no proxy.
        is_near = is_loopback(self.host) or self.host in _METADATA
        opener = self._direct if is_near else self._proxied
        try:
            with opener.open(request, timeout=min(timeout or _SECONDS, _SECONDS)) as answer:
                return _Answer(answer.status, dict(answer.headers), answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, dict(error.headers), error.read(_MOST_BYTES))
        except (OSError, HTTPException) as error:
            raise TransportError("no answer") from error


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Google's library reads (its ``google.auth.transport.Response``)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: what is sent proves who we are."""


def _key(credential: Credential) -> dict[str, Any]:
    """Read a service account's key, as the registry takes it for a password."""
    text = credential.password
    try:
        if credential.username == KEY_USERS[1]:
            text = base64.b64decode("".join(text.split()), validate=True).decode()
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"The password from {credential.source} is not JSON") from error
    if not isinstance(data, dict) or data.get("type") != "service_account":
        raise _invalid(f"The password from {credential.source} is no key of a service account")
    _check_addresses(data, credential.source)
    return data


def _from_key(key: Mapping[str, Any]) -> Credentials:
    from google.oauth2 import service_account

    try:
        return service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid("The key of the service account cannot be read") from error


def _default(ask: _Ask, environ: Mapping[str, str], home: Path) -> Credentials:
    """Find application-default credentials."""
    import google.auth
    from google.oauth2 import credentials as authorized_user

    file = _default_file(environ, home)
    if file is None:
        found, _ = google.auth.default(scopes=[SCOPE], request=ask)
        return found
    try:
        data = read_json(file)
    except SourceError as error:
        raise ConfigError(
            f"Google's credentials in {file}: {error}.",
            code="CREDENTIAL_MISSING",
            remedy="Mend GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`.",
        ) from error
    _check_addresses(data, str(file))
    if data.get("type") == "service_account":
        return _from_key(data)
    try:
        if data.get("type") == "authorized_user":
            # Whoever logged in with gcloud was granted other scopes, and cannot ask for ours.
            return authorized_user.Credentials.from_authorized_user_info(data)
        found, _ = google.auth.load_credentials_from_dict(data, scopes=[SCOPE], request=ask)
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid(f"Google's credentials in {file} cannot be read") from error
    return found


def _default_file(environ: Mapping[str, str], home: Path) -> Path | None:
    if named := environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return Path(named).expanduser()
    folder = environ.get("CLOUDSDK_CONFIG")
    file = (Path(folder) if folder else home / ".config/gcloud") / (
        "application_default_credentials.json"
    )
    return file if file.is_file() else None


def _check_addresses(data: Mapping[str, Any], where: str) -> None:
    """Refuse a file that sends what proves who we are to somebody who is not Google."""
    for name in _ADDRESSES:
        url = data.get(name)
        if url is None:
            continue
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        host = parts.hostname or ""
        is_ours = parts.scheme == "https" and _OURS.fullmatch(host) is not None
        if not is_ours and not (is_loopback(host) and parts.scheme in ("http", "https")):
            raise _invalid(f"{name} in {where} is no address of Google's")


def _invalid(summary: str) -> ConfigError:
    return ConfigError(
        f"{summary}.",
        code="GOOGLE_KEY_INVALID",
        remedy="Give the file that Google made for the service account's key, unchanged: "
        "`file:key.json` with the user _json_key.",
    )


def _missing() -> ConfigError:
    return ConfigError(
        "There are no application-default credentials of Google's here.",
        code="CREDENTIAL_MISSING",
        remedy="Log in with `gcloud auth application-default login`, or name a key file in "
        "GOOGLE_APPLICATION_CREDENTIALS.",
    )


def _unreachable(host: str) -> UnreachableError:
    return UnreachableError(
        f"Google's token server {host} does not answer.",
        stage="connect",
        host=host,
        remedy="Check the way to it: HTTPS_PROXY, a firewall, the certificates (ca_file).",
    )


def _refused(error: Exception, source: str) -> UnauthorizedError:
    # The library's text may hold all of an answer; its first words are Google's own code.
    code = re.match(r"[a-z_]{1,40}(?=\b)", str(error.args[0]) if error.args else "")
    return UnauthorizedError(
        f"Google gives no access token for the credential from {source}"
        f"{f' ({code[0]})' if code else ''}.",
        remedy="The key may be deleted or disabled, this machine's clock wrong, or the login ended: "
        "`gcloud auth application-default login`.",
        status=401,
    )
