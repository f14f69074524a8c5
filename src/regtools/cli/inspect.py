"""`regtools check-auth`, `registries`: how a registry answers, and which are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, say
from regtools.errors import ConfigError
from regtools.schema import CheckRow

if TYPE_CHECKING:
    from regtools.session import AuthCheck

CHECK_COLUMNS = ("stage", "status", "code", "ms", "summary")
Target = Annotated[
    str,
    typer.Argument(
        help="A name from regtools.toml, host[:port] or http(s)://...", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check-auth")(check_auth)
    app.command("registries")(registries)


def check_auth(
    target: Target,
    config: options.Config = None,
    username: options.Username = None,
    password: options.Password = None,
    ca_file: options.CaFile = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show which credential is used, where it was looked for, and whether it is accepted."""
    from regtools import session
    from regtools.access import Options

    result = session.check_auth(
        target,
        options=Options(config=config, username=username, password=password, ca_file=ca_file),
    )
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if fmt is Format.JSON:
        print_document(
            registry=result.registry,
            source=result.source,
            username=result.username,
            accepted=result.accepted,
            sort=result.sort,
            expires_at=plain(result.expires_at),
            scopes=list(result.scopes),
            rights=_rows(result.rights),
            hint=result.hint,
            attempts=_rows(result.attempts),
            checks=_rows(result.checks),
        )
    else:
        if fmt is Format.TABLE:
            print_rows(_rows(result.attempts), fmt, columns=("source", "outcome"))
        _print_checks(result.checks, fmt)
        if fmt is Format.TABLE:
            _print_rights(result)
    if not result.accepted:
        raise typer.Exit(3)


def registries(
    name: Annotated[
        str | None,
        typer.Argument(
            help="With --probe: one from regtools.toml, or another [default: all in it].",
            show_default=False,
        ),
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask them what they really tell; only reads.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """List the registries in the settings, the kinds that are known, and what each can tell."""
    from regtools.registries.capabilities import capabilities
    from regtools.settings import load_settings

    settings = load_settings(config)
    if probe or name is not None:
        names = [name] if name is not None else list(settings.registries)
        _probe(names, config, options.chosen_format(as_json=as_json, as_csv=as_csv))
        return
    configured = [
        {"name": name, "url": own.url, "kind": own.kind, "ui_url": own.ui_url}
        for name, own in settings.registries.items()
    ]
    known = _rows(capabilities())
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if fmt is Format.JSON:
        print_document(configured=configured, kinds=known)
        return
    if configured and fmt is Format.TABLE:
        print_rows(configured, fmt, columns=("name", "url", "kind"), title="Configured")
    shown = [
        {**row, **{name: ", ".join(row[name]) for name in ("tells", "ui_actions")}} for row in known
    ]
    columns = ("kind", "dedup_scope", "tells", "ui_actions")
    print_rows(shown, fmt, columns=columns, title="Known kinds, and what their own APIs tell")


def _probe(names: Sequence[str], config: Path | None, fmt: Format) -> None:
    """Measure registries and print what came of it."""
    from regtools import session
    from regtools.access import Options

    if not names:
        raise ConfigError(
            "The settings name no registry to probe.",
            remedy="Name one: `regtools registries --probe TARGET`.",
        )
    probed = [session.probe(name, options=Options(config=config)) for name in names]
    if fmt is Format.JSON:
        print_document(probed=_rows(probed))
        return
    for one in probed:
        rows = [{"registry": one.name, **row} for row in _rows(one.measured)]
        title = f"{one.name} ({one.kind}), in {one.requests} requests"
        several = ("registry",) if fmt is Format.CSV else ()
        columns = (*several, "capability", "answer", "seen")
        print_rows(rows, fmt, columns=columns, title=title)


def _print_rights(result: AuthCheck) -> None:
    words = {True: "yes", False: "no", None: "not told"}
    rows = [{**row, "granted": words[row["granted"]]} for row in _rows(result.rights)]
    if rows:
        columns = ("action", "granted", "told_by", "needed_for")
        print_rows(rows, Format.TABLE, columns=columns, title="What it may do")
    if result.sort:
        lives = f", which lives {result.lives}" if result.lives else ""
        say(f"It is a {result.sort}{lives}.")
    if result.scopes:
        say(f"Its scopes: {', '.join(result.scopes)}.")
    if result.expires_at:
        say(f"It ends at {result.expires_at:%Y-%m-%d %H:%M} UTC.")
    if result.hint:
        say(f"  → {result.hint}")


def _print_checks(checks: Sequence[CheckRow], fmt: Format) -> None:
    print_rows(_rows(checks), fmt, columns=CHECK_COLUMNS)


def _rows(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [plain(dataclasses.asdict(value)) for value in values]
