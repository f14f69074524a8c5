"""`regtools schedule`: the definition that starts the nightly run."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regtools.cli import options
from regtools.cli.output import print_document, say
from regtools.errors import ConfigError

if TYPE_CHECKING:
    from regtools.scheduling import Definition, Night

app = typer.Typer(
    help="Print the definition that starts `regtools run` every night.", no_args_is_help=True
)

At = Annotated[str, typer.Option("--at", metavar="HH:MM", help="When it starts.")]
Name = Annotated[str, typer.Option("--name", help="What the job is called.")]
Secret = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME",
        help="An environment variable with a secret, beside those that the settings name.",
    ),
]
Program = Annotated[
    Path | None, typer.Option("--program", metavar="FILE", help="regtools itself [default: this].")
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="File with the secrets, NAME='value' a line."),
]
Image = Annotated[
    str | None, typer.Option("--image", help="Image that holds regtools, to run the job in.")
]
Install = Annotated[
    str | None,
    typer.Option("--install", metavar="SPEC", help="What pip installs where there is no image."),
]
Zone = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Time zone of --at: Europe/Berlin.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Write into this folder instead of printing."),
]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="schedule")


@app.command("cron")
def cron(
    at: At = "02:15",
    name: Name = "regtools",
    program: Program = None,
    env_file: EnvFile = None,
    mail_to: Annotated[
        str | None, typer.Option("--mail-to", metavar="ADDRESS", help="Who gets what is printed.")
    ] = None,
    secret: Secret = None,
    config: options.Config = None,
    output: Output = None,
    as_json: options.Json = False,
) -> None:
    """Print lines for a crontab."""
    from regtools import scheduling

    file = _settings_file(config)
    night = _night(name, at, str(file), file, secret)
    made = scheduling.cron(
        night, program=_program(program), env_file=_env_file(env_file, night, file), mail_to=mail_to
    )
    _show([made], output, as_json=as_json)


@app.command("systemd")
def systemd(
    at: At = "02:15",
    name: Name = "regtools",
    program: Program = None,
    env_file: EnvFile = None,
    pull_secret: Annotated[
        Path | None,
        typer.Option("--pull-secret", metavar="FILE", help="Pull secret that root hands over."),
    ] = None,
    user: Annotated[str, typer.Option("--user", help="Who it runs as.")] = "regtools",
    zone: Zone = None,
    secret: Secret = None,
    config: options.Config = None,
    output: Output = None,
    as_json: options.Json = False,
) -> None:
    """Print a service and its timer."""
    from regtools import scheduling

    file = _settings_file(config)
    night = _night(name, at, str(file), file, secret)
    unit = scheduling.Unit(
        program=_program(program),
        user=user,
        writes=_written(file),
        env_file=_env_file(env_file, night, file),
        pull_secret=str(pull_secret.absolute()) if pull_secret else None,
        zone=scheduling.checked_zone(zone) if zone else None,
    )
    _show(scheduling.systemd(night, unit), output, as_json=as_json)


@app.command("github-actions")
def github_actions(
    at: At = "02:15",
    name: Name = "regtools",
    image: Image = None,
    install: Install = None,
    secret: Secret = None,
    config: options.Config = None,
    output: Output = None,
    as_json: options.Json = False,
) -> None:
    """Print a workflow for GitHub Actions. Its time is UTC."""
    from regtools import scheduling

    file = _settings_file(config)
    night = _night(name, at, _in_repository(file), file, secret)
    made = scheduling.github_actions(night, image=image, install=install)
    _show([made], output, as_json=as_json)


@app.command("gitlab-ci")
def gitlab_ci(
    at: At = "02:15",
    name: Name = "regtools",
    image: Image = None,
    install: Install = None,
    secret: Secret = None,
    config: options.Config = None,
    output: Output = None,
    as_json: options.Json = False,
) -> None:
    """Print a job for GitLab CI."""
    from regtools import scheduling

    file = _settings_file(config)
    night = _night(name, at, _in_repository(file), file, secret)
    made = scheduling.gitlab_ci(night, image=image, install=install)
    _show([made], output, as_json=as_json)


@app.command("kubernetes")
def kubernetes(
    image: Annotated[str, typer.Option("--image", help="Image that holds regtools.")],
    at: At = "02:15",
    name: Name = "regtools",
    namespace: Annotated[str, typer.Option("--namespace", help="Where it runs.")] = "regtools",
    zone: Zone = None,
    pull_secret: Annotated[
        str | None,
        typer.Option("--pull-secret", metavar="NAME", help="Secret to read credentials from."),
    ] = None,
    secret: Secret = None,
    config: options.Config = None,
    output: Output = None,
    as_json: options.Json = False,
) -> None:
    """Print a CronJob and its volume."""
    from regtools import scheduling

    file = _settings_file(config)
    made = scheduling.kubernetes(
        _night(name, at, str(file), file, secret),
        image=image,
        namespace=namespace,
        zone=scheduling.checked_zone(zone) if zone else "Etc/UTC",
        pull_secret=pull_secret,
    )
    _show([made], output, as_json=as_json)


def _settings_file(config: Path | None) -> Path:
    from regtools.settings import FILE_NAME, load_settings

    file = config or load_settings().source or Path(FILE_NAME)
    if not file.is_file():
        say(f"There is no {file} here; the job will want one, and maybe secrets: name them.")
    return file.absolute()


def _night(name: str, at: str, config: str, file: Path, secrets: Sequence[str] | None) -> Night:
    from regtools.scheduling import Night, at_time
    from regtools.settings import load_settings

    settings = load_settings(file, environ={}) if file.is_file() else None
    named = _environment_references(tomllib.loads(file.read_text("utf-8"))) if settings else ()
    return Night(
        name=name,
        at=at_time(at),
        config=config,
        secrets=tuple(dict.fromkeys([*named, *(secrets or ())])),
        is_history_in_bucket=settings is not None and "://" in settings.history,
    )


def _environment_references(value: Any) -> Iterator[str]:
    """Find every ``env:NAME`` of the settings."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _environment_references(item)
    elif isinstance(value, str) and value.startswith("env:"):
        yield value.removeprefix("env:")


def _written(file: Path) -> tuple[str, ...]:
    """Give the folders that the run writes."""
    from regtools.settings import load_settings

    if not file.is_file():
        return (str(file.parent),)
    settings = load_settings(file, environ={})
    folders = [
        # A path of the default settings is meant from where the settings lie.
        file.parent / place
        for place in (settings.history, settings.reports)
        if "://" not in place
    ]
    outside = [str(one) for one in folders if not one.is_relative_to(file.parent)]
    return (str(file.parent), *outside)


def _program(program: Path | None) -> str:
    if program is not None:
        return str(program.absolute())
    beside = Path(sys.executable).with_name("regtools")
    found = beside if beside.is_file() else shutil.which("regtools")
    if found is None:
        raise ConfigError("regtools itself was not found.", remedy="Name it with --program FILE.")
    return str(Path(found).absolute())


def _env_file(given: Path | None, night: Night, file: Path) -> str | None:
    if given is not None:
        return str(given.absolute())
    return str(file.with_name(f"{night.name}.env")) if night.secrets else None


def _in_repository(file: Path) -> str:
    """Give the file's path as the job's checkout has it: from where this command runs."""
    return file.relative_to(Path.cwd()).as_posix() if file.is_relative_to(Path.cwd()) else str(file)


def _show(made: Sequence[Definition], output: Path | None, *, as_json: bool) -> None:
    if output is not None:
        _write(made, output)
    if as_json:
        print_document(files=[{"place": one.place, "text": one.text} for one in made])
    elif output is None:
        sys.stdout.write("\n".join(one.text for one in made))


def _write(made: Sequence[Definition], output: Path) -> None:
    for one in made:
        file = output / Path(one.place).name
        try:
            output.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as out:
                out.write(one.text)
        except FileExistsError:
            raise ConfigError(
                f"{file} is there already.", remedy="Remove it, or name another folder."
            ) from None
        except OSError as error:
            raise ConfigError(
                f"{file} cannot be written: {os.strerror(error.errno or 0)}."
            ) from error
        say(f"Wrote {file}.")
