"""Tells people what a run came to: a webhook, Slack, e-mail.

An address of a webhook is a secret itself: it is read from a reference, and no message shows more
of it than its host. httpx carries webhooks, Python's own smtplib and email the mail.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

import httpx

from regtools.credentials import resolve
from regtools.errors import RunError
from regtools.markup import visible
from regtools.nightly.night import EXIT_FINE, EXIT_UNFINISHED, Night
from regtools.reference import may_carry_secrets
from regtools.schema import SCHEMA_VERSION
from regtools.settings import NotifySettings

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 2.0
SECONDS: Final = 20.0
_MOST_FINDINGS: Final = 10


def is_wanted(settings: NotifySettings, night: Night) -> bool:
    """Say whether this receiver hears of such a run."""
    match settings.when:
        case "always":
            return True
        case "finding":
            return night.exit_code != EXIT_FINE
        case _:
            return night.exit_code == EXIT_UNFINISHED


def notify(
    settings: NotifySettings,
    night: Night,
    *,
    trust: Callable[[], ssl.SSLContext],
    pause: float = PAUSE_SECONDS,
) -> None:
    """Tell one receiver.

    Parameters
    ----------
    trust
        Gives the certificates to trust.
    pause
        Seconds before another try.

    Raises
    ------
    RunError
        Code ``NOTIFY_FAILED``: it could not be told, after three tries.
    ConfigError
        A reference leads to nothing.
    """
    if settings.kind == "email":
        _try(lambda: _mail(settings, night, trust), settings.host or "", pause)
        return
    url = resolve(settings.url or "", where="run.notify", environ=os.environ)
    host = _host(url)
    body: dict[str, object] = (
        {"text": _for_slack(text(night))}
        if settings.kind == "slack"
        else {"schema_version": SCHEMA_VERSION, **night.to_dict()}
    )
    _try(lambda: _post(url, body, trust), host, pause)


def _host(url: str) -> str:
    """Give the host of a webhook's address, which must not go in the clear."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme = host = ""
    if not may_carry_secrets(scheme, host):
        raise RunError(
            "A webhook's address must be https://….",
            code="NOTIFY_FAILED",
            remedy="Check what the reference in run.notify holds.",
        )
    return host


def text(night: Night) -> str:
    """Say it for people: the line, the worst findings, and where all stands on one sheet."""
    found = [
        f"• {finding.get('severity', '')}: {one_line(str(finding.get('summary', '')))}"
        for report in night.reports
        for finding in report.findings
        if finding.get("severity") in ("critical", "warning")
    ]
    more = [f"… and {len(found) - _MOST_FINDINGS} more."] if len(found) > _MOST_FINDINGS else []
    sheet = [f"All registries on one sheet: {one_line(night.sheet)}"] if night.sheet else []
    return "\n".join([one_line(night.line), *found[:_MOST_FINDINGS], *more, *sheet])


def one_line(words: str) -> str:
    """Take line breaks and control signs out of foreign words."""
    return " ".join(visible(words).split())


def _for_slack(words: str) -> str:
    """Escape what Slack takes for links and mentions (docs.slack.dev, "Formatting message text")."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _try(send: Callable[[], None], host: str, pause: float) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            send()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, smtplib.SMTPException) as error:
            if attempt == ATTEMPTS:
                raise RunError(
                    f"{host} could not be told: {_reason(error)}.",
                    code="NOTIFY_FAILED",
                    remedy="The reports are there. Check the receiver, and the reference in "
                    "run.notify.",
                ) from None
            time.sleep(pause * attempt)
        else:
            return


def _reason(error: Exception) -> str:
    """Say why, without an address or an answer: both may hold a secret."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answers {error.response.status_code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answers {error.smtp_code}"
    return type(error).__name__


def _post(url: str, body: dict[str, object], trust: Callable[[], ssl.SSLContext]) -> None:
    with httpx.Client(
        verify=trust(), timeout=SECONDS, follow_redirects=False, trust_env=True
    ) as client:
        headers = {"Content-Type": "application/json"}
        client.post(url, content=json.dumps(body), headers=headers).raise_for_status()


def _mail(settings: NotifySettings, night: Night, trust: Callable[[], ssl.SSLContext]) -> None:
    message = EmailMessage()
    message["Subject"] = one_line(night.line.partition(". Not finished")[0])[:200]
    message["From"] = settings.sender or ""
    message["To"] = ", ".join(settings.to)
    pages = "\n".join(f"{report.name}: {report.page.resolve()}" for report in night.reports)
    message.set_content(f"{text(night)}\n\n{pages}\n")
    host = settings.host or ""
    opened: smtplib.SMTP = (
        smtplib.SMTP_SSL(host, settings.port or 465, timeout=SECONDS, context=trust())
        if settings.security == "tls"
        else smtplib.SMTP(host, settings.port or 587, timeout=SECONDS)
    )
    with opened as server:
        if settings.security == "starttls":
            server.starttls(context=trust())
        if settings.password:
            server.login(
                resolve(settings.username or "", where="run.notify", environ=os.environ),
                resolve(settings.password, where="run.notify", environ=os.environ),
            )
        server.send_message(message)
