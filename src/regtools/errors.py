"""What can go wrong, as one small tree.

    RegtoolsError            code, summary, remedy, exit_code; the cause stays chained
    ├── ConfigError              wrong usage, settings or a file that cannot be used      exit 2
    ├── InvalidReferenceError    a name that the grammar refuses                          exit 2
    ├── UnreachableError         no answer: names, sockets, TLS, time                     exit 3
    ├── RegistryError            an answer, but not the one asked for                     exit 3
    │   ├── UnauthorizedError        who are you?
    │   ├── DeniedError              not you
    │   ├── NotFoundError            not here
    │   ├── RateLimitedError         not now
    │   ├── UnsupportedError         not this registry
    │   └── MalformedAnswerError     not the protocol
    ├── BudgetError              the run may ask no more                                  exit 3
    ├── HistoryError             the store of snapshots                                   exit 3
    ├── StorageError             a registry's own folder                                  exit 3
    └── ReportError              a notebook that did not finish                           exit 3

A library function raises; only the command line prints and exits. Codes are stable: people
search for them and scripts compare them.
"""

from __future__ import annotations

from typing import ClassVar


class RegtoolsError(Exception):
    """Base of everything regtools raises on purpose.

    Parameters
    ----------
    summary
        One sentence: what was asked, where, and what came instead. Never holds a secret.
    code
        Stable upper-case name of the cause; a class has one of its own if left out.
    remedy
        What the reader can do about it, in one or two sentences.
    """

    default_code: ClassVar[str] = "REGTOOLS"
    default_remedy: ClassVar[str] = ""
    exit_code: ClassVar[int] = 3

    def __init__(self, summary: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.code = code or self.default_code
        self.remedy = remedy or self.default_remedy
        self.closer_look = ""
        """The command that looks closer; empty: there is none."""

    def look_closer(self, command: str) -> None:
        """Say which command looks closer, here and below a traceback."""
        self.closer_look = command
        self.add_note(f"To look closer: {command}")


class ConfigError(RegtoolsError):
    """Wrong usage, a setting that cannot be used, or a file that cannot be read or written."""

    default_code = "CONFIG_INVALID"
    exit_code = 2


class InvalidReferenceError(RegtoolsError):
    """A registry, repository, tag or digest that the grammar refuses."""

    default_code = "REFERENCE_INVALID"
    exit_code = 2


class UnreachableError(RegtoolsError):
    """No HTTP answer arrived.

    Parameters
    ----------
    stage
        Where it ended: ``proxy``, ``resolve``, ``connect``, ``tls``, ``read`` or ``write``.
    host
        ``host:port`` that was asked.
    """

    default_code = "UNREACHABLE"

    def __init__(
        self, summary: str, *, stage: str, host: str, code: str = "", remedy: str = ""
    ) -> None:
        super().__init__(summary, code=code, remedy=remedy)
        self.stage = stage
        self.host = host


class RegistryError(RegtoolsError):
    """The registry (or its token server) answered with something that is not what was asked.

    Parameters
    ----------
    method, url
        The request; the URL without userinfo and query.
    status
        The HTTP status.
    registry_codes
        The registry's own error codes, such as ``MANIFEST_UNKNOWN``.
    """

    default_code = "REGISTRY_ERROR"

    def __init__(
        self,
        summary: str,
        *,
        method: str = "",
        url: str = "",
        status: int = 0,
        registry_codes: tuple[str, ...] = (),
        code: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(summary, code=code, remedy=remedy)
        self.method = method
        self.url = url
        self.status = status
        self.registry_codes = registry_codes


class UnauthorizedError(RegistryError):
    """401: no credential, or one that the registry does not accept."""

    default_code = "UNAUTHORIZED"
    default_remedy = (
        "Check the user name and the password or token; "
        "`regtools check-auth TARGET` shows which source was used."
    )


class DeniedError(RegistryError):
    """403: the registry knows the caller and refuses the action."""

    default_code = "DENIED"
    default_remedy = "Ask for a credential that may pull this repository (and list the catalog)."


class NotFoundError(RegistryError):
    """404: no such repository, tag, manifest or blob, or not for this caller."""

    default_code = "NOT_FOUND"
    default_remedy = (
        "Check the spelling; a private repository may also look missing without a credential."
    )


class RateLimitedError(RegistryError):
    """429: the registry asks to wait, and waiting longer than allowed was not an option.

    ``retry_after`` is in seconds, None where the registry did not say.
    """

    default_code = "RATE_LIMITED"
    default_remedy = "Wait and run again; what was already collected is kept."

    retry_after: float | None = None


class UnsupportedError(RegistryError):
    """The registry does not offer this part of the protocol."""

    default_code = "UNSUPPORTED"


class MalformedAnswerError(RegistryError):
    """An answer that is not the protocol: HTML, broken JSON, a wrong digest, a body too large."""

    default_code = "ANSWER_MALFORMED"
    default_remedy = (
        "Check that the address is a registry and that no login page or proxy answers for it."
    )


class BudgetError(RegtoolsError):
    """The run may ask no more: its requests are used up, or pulls are to be left to others."""

    default_code = "REQUEST_BUDGET"
    default_remedy = "Run again: it goes on where it stopped."


class HistoryError(RegtoolsError):
    """The store of snapshots cannot be read or written."""

    default_code = "HISTORY_BROKEN"
    default_remedy = "Run `regtools history check`."


class StorageError(RegtoolsError):
    """A folder that should be a registry's storage or an image layout."""

    default_code = "STORAGE_UNREADABLE"
    default_remedy = "Run it where the folder is, as a user who may read it."


class RunError(RegtoolsError):
    """A nightly run, or a part of it, could not be finished."""

    default_code = "RUN_FAILED"


class ReportError(RegtoolsError):
    """A notebook did not finish.

    Parameters
    ----------
    notebook, cell
        The notebook's name and the id of the cell that failed, empty where none did.
    """

    default_code = "REPORT_FAILED"

    def __init__(
        self, summary: str, *, notebook: str, cell: str = "", code: str = "", remedy: str = ""
    ) -> None:
        super().__init__(summary, code=code, remedy=remedy)
        self.notebook = notebook
        self.cell = cell
