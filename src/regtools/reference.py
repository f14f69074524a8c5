"""Names: registries, repositories, tags and digests, as Docker and the distribution grammar say.

Sources: distribution/reference (grammar, `library/`, `docker.io`, read 2026-11), OCI distribution
specification 1.1 (repository and tag grammar), OCI image specification 1.1 (digests).

Where Docker leaves a choice: hosts are lower-cased, so that one registry has one name, and
``registry-1.docker.io`` is Docker Hub too.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NewType

from regtools.errors import InvalidReferenceError

Digest = NewType("Digest", str)
"""``algorithm:encoded``; made by `parse_digest` only."""

DOCKER_HUB: Final = "docker.io"
_HUB_ALIASES: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
MAX_REPOSITORY: Final = 255
"""Longest path in a registry (distribution/reference RepositoryNameTotalLengthMax, 2026-11)."""
_OFFICIAL: Final = "library/"

_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(
    r"(?P<algorithm>[a-z0-9]+(?:[+._-][a-z0-9]+)*):(?P<encoded>[A-Za-z0-9=_-]+)"
)
_HEX_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST: Final = re.compile(
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::(?P<port>[0-9]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image: where it is, what it is called, which one of it.

    `registry` is ``host[:port]``, `repository` the whole path in it. At least one of `tag` and
    `digest` is set.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def familiar(self) -> str:
        """The short form people type: ``ubuntu:24.04`` for ``docker.io/library/ubuntu:24.04``."""
        whole = str(self)
        short = whole.removeprefix(f"{DOCKER_HUB}/")
        first, _, rest = self.repository.partition("/")
        # Without docker.io before it, `foo.bar/app` would be an image of the registry foo.bar.
        if short == whole or _is_registry(first):
            return whole
        return short if "/" in rest else short.removeprefix(_OFFICIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A registry, or a part of it, that a person named.

    `scheme` is None where they did not say; `path` is a repository or a prefix of repositories,
    empty for all of the registry.
    """

    scheme: Literal["https", "http"] | None
    registry: str
    path: str = ""

    @property
    def host(self) -> str:
        """The name or address, an IPv6 one without brackets."""
        return _split_host(self.registry)[0]

    @property
    def port(self) -> int | None:
        """The port, None where it is the scheme's own."""
        return _split_host(self.registry)[1]

    @property
    def is_loopback(self) -> bool:
        """Whether this is the machine itself, where plain HTTP is no risk."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        return f"{scheme}{self.registry}" + (f"/{self.path}" if self.path else "")


class TagKind(StrEnum):
    """What a tag looks like; a guess by its form."""

    VERSION = "version"
    LATEST = "latest"
    COMMIT = "commit"
    DATE = "date"
    BRANCH = "branch"
    REFERRER = "referrer"
    OTHER = "other"


def parse_digest(text: object) -> Digest:
    """Read ``sha256:…``; lengths of the registered algorithms are checked, others by the grammar.

    Raises
    ------
    InvalidReferenceError
        Code ``DIGEST_INVALID``.
    """
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise _invalid("DIGEST_INVALID", f"{_shown(text)} is not a digest.", _digest_remedy(text))
    algorithm, encoded = match["algorithm"], match["encoded"]
    length = _HEX_LENGTHS.get(algorithm)
    if length is not None and not re.fullmatch(rf"[a-f0-9]{{{length}}}", encoded):
        has = f"{len(encoded)} characters"
        if len(encoded) == length:
            has = _odd(text, r"[^a-f0-9]", start=len(algorithm) + 1)
        raise _invalid(
            "DIGEST_INVALID",
            f"{_shown(text)} is not {length} lower-case hex digits of {algorithm}: it has {has}.",
            _digest_remedy(text),
        )
    return Digest(text)


def parse_repository(text: str) -> str:
    """Check the name of a repository inside its registry.

    Raises
    ------
    InvalidReferenceError
        Codes ``REPOSITORY_UPPERCASE``, ``REPOSITORY_TOO_LONG``, ``REPOSITORY_INVALID``.
    """
    if len(text) > MAX_REPOSITORY:
        raise _invalid(
            "REPOSITORY_TOO_LONG",
            f"{_shown(text)} has {len(text)} characters; a repository has at most {MAX_REPOSITORY}.",
            "Shorten the name.",
        )
    if _REPOSITORY.fullmatch(text):
        return text
    if _REPOSITORY.fullmatch(text.lower()):
        raise _invalid(
            "REPOSITORY_UPPERCASE",
            f"Repository {_shown(text)} has upper-case letters.",
            f"Repositories are lower-case: {_shown(text.lower())}.",
        )
    raise _invalid(
        "REPOSITORY_INVALID",
        f"{_shown(text)} is not a repository: {_repository_fault(text)}.",
        _repository_remedy(text),
    )


def parse_tag(text: str) -> str:
    """Check a tag.

    Raises
    ------
    InvalidReferenceError
        Code ``TAG_INVALID``.
    """
    if _TAG.fullmatch(text):
        return text
    if len(text) > 128:
        fault = f"it has {len(text)} characters, 128 are allowed"
    elif not text:
        fault = "it is empty"
    elif text[0] in ".-":
        fault = f"it starts with {text[0]!r}"
    else:
        fault = f"{_odd(text, r'[^A-Za-z0-9_.-]')} is not allowed"
    # Helm writes the build part of a version so (helm.sh/docs/topics/registries, 2026-11).
    corrected = text.replace("+", "_")
    raise _invalid(
        "TAG_INVALID",
        f"{_shown(text)} is not a tag: {fault}.",
        f"Did you mean {_shown(corrected)}?"
        if _TAG.fullmatch(corrected)
        else "A tag is letters, digits, '_', '.' and '-', and starts with a letter, a digit or '_'.",
    )


def parse_reference(text: str) -> Reference:
    """Read an image's name and complete it as Docker does.

    ``ubuntu`` is ``docker.io/library/ubuntu:latest``. The first part is a registry if it holds a
    dot or a colon, is ``localhost``, or has upper-case letters; else it is part of the repository.

    Raises
    ------
    InvalidReferenceError
        The codes of `parse_repository`, `parse_tag`, `parse_digest`, or ``REFERENCE_INVALID``.

    Examples
    --------
    >>> str(parse_reference("ubuntu"))
    'docker.io/library/ubuntu:latest'
    >>> parse_reference("ghcr.io/acme/app:1.2").repository
    'acme/app'
    """
    _refuse_what_is_no_name(text)
    name, at, digest_text = text.partition("@")
    # First, and alone in its message: what stands before an @ may be a password.
    digest = parse_digest(digest_text) if at else None
    registry, path = _split_registry(name)
    path, colon, tag_text = path.partition(":")
    repository = parse_repository(path)
    if registry == DOCKER_HUB and "/" not in repository:
        repository = parse_repository(f"{_OFFICIAL}{repository}")
    tag = parse_tag(tag_text) if colon else None
    if tag is None and digest is None:
        tag = "latest"
    return Reference(registry=registry, repository=repository, tag=tag, digest=digest)


def parse_target(text: str) -> Target:
    """Read ``host[:port][/namespace]`` or ``http(s)://host[:port][/namespace]``.

    Raises
    ------
    InvalidReferenceError
        Code ``TARGET_INVALID``, or those of `parse_repository`. A password in the address is
        refused and not repeated.

    Examples
    --------
    >>> parse_target("http://127.0.0.1:5000/team")
    Target(scheme='http', registry='127.0.0.1:5000', path='team')
    """
    scheme, rest = _scheme(text.strip())
    host, _, path = rest.partition("/")
    _refuse_what_is_no_place(host, path)
    fault = _host_fault(host) or _address_fault(host)
    if fault:
        raise _invalid(
            "TARGET_INVALID",
            f"{_shown(host)} is not a registry's host: {fault}.",
            "Write host[:port][/namespace] or https://host[:port][/namespace].",
        )
    if scheme is not None:
        host = host.removesuffix({"https": ":443", "http": ":80"}[scheme])
    path = path.strip("/")
    # People paste what a browser shows.
    path = "" if path in ("v2", "v2/_catalog") else path
    return Target(
        scheme=scheme,
        registry=canonical_registry(host),
        path=parse_repository(path) if path else "",
    )


def is_loopback(host: str) -> bool:
    """Whether a host, without a port, is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def may_carry_secrets(scheme: str, host: str) -> bool:
    """Whether a secret may go to an address: encrypted, or on this machine.

    Examples
    --------
    >>> may_carry_secrets("https", "example.com"), may_carry_secrets("http", "example.com")
    (True, False)
    """
    return bool(host) and (scheme == "https" or (scheme == "http" and is_loopback(host)))


def classify_tag(tag: str) -> TagKind:
    """Guess what a tag stands for from its form.

    Examples
    --------
    >>> [str(classify_tag(t)) for t in ("v1.2.3-alpine", "latest", "3f2a91c", "main")]
    ['version', 'latest', 'commit', 'branch']
    """
    for kind, pattern in _TAG_FORMS:
        if pattern.fullmatch(tag):
            return kind
    return TagKind.OTHER


_TAG_FORMS: Final = (
    # OCI's fallback tags (64 characters of a longer digest, too) and cosign's.
    (TagKind.REFERRER, re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:\.[\w.-]+)?")),
    (TagKind.LATEST, re.compile(r"latest(?:-.+)?|.+-latest")),
    # Alone or after a word: 1.2.3-20240115 is a version that says when it was built.
    (
        TagKind.DATE,
        re.compile(
            r"(?!v\d+\.\d+\.\d)(?:[A-Za-z_][\w.]*-(?:.*-)?)?"
            r"20\d\d(?P<s>[-.]?)(?:0[1-9]|1[0-2])(?P=s)(?:0[1-9]|[12]\d|3[01])"
            r"(?:T?\d{4}(?:\d\d)?Z?)?(?:[-.T_].*)?"
        ),
    ),
    # All digits is a number; a commit has a letter among the first seven with high probability.
    (
        TagKind.COMMIT,
        re.compile(
            r"(?:(?:sha|git|commit)-)?(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}|[0-9a-f]{40}"
        ),
    ),
    (TagKind.VERSION, re.compile(r"v?\d+(?:\.\d+){0,3}(?:[-_.]?[a-zA-Z0-9][\w.-]*)?")),
    (
        TagKind.BRANCH,
        re.compile(
            r"(?:main|master|develop|development|dev|trunk|edge|nightly|canary|next|staging|stage|prod|production|stable|test|qa)"
            r"|(?:feature|feat|fix|bugfix|hotfix|release|renovate|dependabot|chore|pr|mr)[-_.].+"
        ),
    ),
)


def _refuse_what_is_no_name(text: str) -> None:
    if not text.strip():
        raise _invalid("REFERENCE_INVALID", "The image's name is empty.")
    if text != text.strip():
        remedy = f"Did you mean {_shown(text.strip())}?"
        raise _invalid("REFERENCE_INVALID", f"{_shown(text)} has spaces around it.", remedy)
    if "://" in text:
        # What stands before an @ may be a password.
        is_public = "@" not in text
        raise _invalid(
            "REFERENCE_INVALID",
            f"{_shown(text) if is_public else 'This'} is an address, not an image's name.",
            f"Leave out the scheme: {_shown(text.partition('://')[2])}."
            if is_public
            else "Write HOST/REPOSITORY:TAG.",
        )
    if re.fullmatch(r"[a-f0-9]{64}", text):
        # Docker refuses it too: it could be the id of an image.
        raise _invalid(
            "REFERENCE_INVALID",
            f"{_shown(text)} is an image's id, not a name.",
            f"For a digest write REPOSITORY@sha256:{text[:8]}….",
        )


def _refuse_what_is_no_place(host: str, path: str) -> None:
    """Refuse what follows a registry's address elsewhere; nothing of a secret is repeated."""
    if "@" in host:
        raise _invalid(
            "TARGET_INVALID",
            "The address holds a user name or password.",
            "Leave it out; use --username and --password with env:NAME, or `docker login`.",
        )
    if any(mark in host + path for mark in "?#"):
        raise _invalid("TARGET_INVALID", "The address has a query or fragment.", "Leave it out.")
    if "@" in path:
        what = "an @: a digest, or a password"
        raise _invalid("TARGET_INVALID", f"The address holds {what}.", "Leave it out.")
    repository, colon, _ = path.partition(":")
    if colon:
        raise _invalid(
            "TARGET_INVALID",
            f"{_shown(f'{host}/{path}')} is one image; a repository or a whole registry is meant.",
            f"Leave out the tag: {_shown(f'{host}/{repository}')}.",
        )


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash and name.startswith("["):
        raise _invalid(
            "REFERENCE_INVALID",
            f"{_shown(name)} names a registry and no repository.",
            f"Add one: {_shown(f'{name}/REPOSITORY')}.",
        )
    if not slash or not _is_registry(first):
        return DOCKER_HUB, name
    if fault := _host_fault(first):
        raise _invalid(
            "REFERENCE_INVALID",
            f"{_shown(first)} is not a registry's host: {fault}.",
            "Write HOST[:PORT]/REPOSITORY.",
        )
    # A host that is one only by its capitals keeps them, as in Docker: `foo/bar` is on the Hub.
    return (canonical_registry(first) if _is_registry(first.lower()) else first), rest


def _is_registry(first: str) -> bool:
    """Whether the first part of a name is a registry rather than a namespace of Docker Hub."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def canonical_registry(host: str) -> str:
    """Give a host as references have it: small letters, Docker Hub by its one name."""
    return DOCKER_HUB if host.lower() in _HUB_ALIASES else host.lower()


def _split_host(registry: str) -> tuple[str, int | None]:
    match = _HOST.fullmatch(registry)
    if match is None:
        raise _invalid("TARGET_INVALID", f"{_shown(registry)} is not a registry's host.")
    return match["name"].strip("[]"), int(match["port"]) if match["port"] else None


def _scheme(text: str) -> tuple[Literal["https", "http"] | None, str]:
    head, separator, rest = text.partition("://")
    if not separator:
        return None, text
    if head.lower() == "https":
        return "https", rest
    if head.lower() == "http":
        return "http", rest
    raise _invalid(
        "TARGET_INVALID",
        f"{_shown(head)} is not a scheme for a registry.",
        "Use https:// or http://.",
    )


def _host_fault(host: str) -> str:
    """Say what the grammar has against a host, nothing if it has not."""
    if _HOST.fullmatch(host):
        return ""
    if not host:
        return "it is empty"
    if host.count(":") > 1 and "[" not in host:
        return "an IPv6 address stands in brackets, as [fc00::1]:5000"
    if odd := _odd(host, r"[^A-Za-z0-9.:\[\]-]"):
        return f"{odd} is not allowed"
    port = host.rpartition(":")[2]
    if ":" in host and not re.fullmatch(r"[0-9]+", port):
        return f"{_shown(port)} is not a port"
    return "it breaks the grammar of hosts"


def _address_fault(host: str) -> str:
    """Say why nobody can be reached at a host that the grammar allows."""
    name, _, port = host.rpartition(":") if re.search(r":[0-9]+$", host) else (host, "", "")
    if port and not (len(port) <= 5 and 0 < int(port) <= 65535):
        return "ports go from 1 to 65535"
    if name.startswith("["):
        try:
            ipaddress.IPv6Address(name.strip("[]"))
        except ValueError:
            return f"{name} is not an IPv6 address"
    return ""


def _repository_fault(text: str) -> str:
    if not text:
        return "it is empty"
    if odd := _odd(text, r"[^A-Za-z0-9._/-]"):
        return f"{odd} is not allowed"
    position = 1
    for part in text.split("/"):
        if not part:
            return f"it has an empty part at position {position}"
        if not re.fullmatch(_COMPONENT, part.lower()):
            return (
                f"{_shown(part)} at position {position} must start and end with a letter or digit, "
                "with '.', '_', '__' or dashes between"
            )
        position += len(part) + 1
    return "it breaks the grammar"


def _repository_remedy(text: str) -> str:
    parts = (part.strip("._-") for part in text.lower().split("/"))
    corrected = "/".join(part for part in parts if part)
    if _REPOSITORY.fullmatch(corrected):
        return f"Did you mean {_shown(corrected)}?"
    return "A repository is lower-case letters and digits, with '.', '_', '-' and '/' between."


def _digest_remedy(text: object) -> str:
    lowered = text.lower() if isinstance(text, str) else ""
    for corrected in (lowered, f"sha256:{lowered}"):
        if re.fullmatch(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}", corrected):
            return f"Did you mean {corrected}?"
    return "A digest is sha256: and 64 hex digits, or sha512: and 128."


def _odd(text: str, forbidden: str, *, start: int = 0) -> str:
    """Name the first forbidden character and where it stands; nothing if there is none."""
    match = re.compile(forbidden).search(text, start)
    return f"{match[0]!r} at position {match.start() + 1}" if match else ""


def _shown(text: object) -> str:
    """Quote foreign text, bounded and without control characters."""
    shown = repr(text)
    return shown if len(shown) <= 90 else f"{shown[:88]}…'"


def _invalid(code: str, summary: str, remedy: str = "") -> InvalidReferenceError:
    return InvalidReferenceError(summary, code=code, remedy=remedy)
