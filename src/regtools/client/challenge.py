"""`WWW-Authenticate`: what a registry wants to see (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
"""What stands between commas; those inside quotes do not count."""
_SCHEME: Final = re.compile(rf"(?P<scheme>{_WORD})(?:\s+(?P<rest>.*))?", re.DOTALL)
_PARAMETER: Final = re.compile(
    rf'(?P<name>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"?|(?P<plain>(?!=)[^\s"]*))\s*',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to authenticate. `scheme` and the names of parameters are lower-case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """For Bearer: the address of the token server."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """What the token server knows the registry by."""
        return self.parameters.get("service", "")

    @property
    def scopes(self) -> tuple[str, ...]:
        """What a token must allow."""
        return tuple(self.parameters.get("scope", "").split())

    def __str__(self) -> str:
        return f"{self.scheme} {self.realm}".strip()


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read all challenges of all headers, in their order; what cannot be read is left out.

    Examples
    --------
    >>> parse_challenges(['Bearer realm="https://a/token",service=a, Basic realm=b'])[1].scheme
    'basic'
    """
    return [challenge for header in headers for challenge in _challenges(header)]


def _challenges(header: str) -> Iterator[Challenge]:
    scheme, parameters = "", dict[str, str]()
    for item in _ITEM.findall(header):
        text = item.strip()
        parameter = _PARAMETER.fullmatch(text)
        if parameter is None:
            start = _SCHEME.fullmatch(text)
            if start is None:
                continue
            if scheme:
                yield Challenge(scheme=scheme, parameters=parameters)
            scheme, parameters = start["scheme"].lower(), {}
            parameter = _PARAMETER.fullmatch(start["rest"] or "")
        if parameter is not None and scheme:
            quoted = parameter["quoted"]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else parameter["plain"]
            parameters.setdefault(parameter["name"].lower(), value)
    if scheme:
        yield Challenge(scheme=scheme, parameters=parameters)
