from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from tests.support.command import Command
from typer.core import TyperGroup

from regtools.cli.app import app
from regtools.cli.lazy import COMMANDS, Later

SLOW = [
    "aiohttp",
    "anyio",
    "boto3",
    "botocore",
    "cryptography",
    "duckdb",
    "httpx",
    "importlib.metadata",
    "IPython",
    "jupyter_client",
    "matplotlib",
    "numpy",
    "pandas",
    "papermill",
    "platformdirs",
    "pyarrow",
    "pydantic",
    "pydantic_settings",
    "rich",
    "scipy",
    "stamina",
    "tqdm",
    "yaml",
]
TYPERS_OWN = {"pydantic", "importlib.metadata"}
"""What Typer itself takes to read the options of a command."""


def loaded_after(*arguments: str) -> set[str]:
    """Give the modules of a process that ran a command to its end."""
    code = (
        "import json, sys\n"
        f"sys.argv = ['regtools', *{list(arguments)!r}]\n"
        "try:\n    from regtools.cli import main\n    main()\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(json.loads(done.stderr))


def test_the_help_loads_no_command_and_no_library_of_one() -> None:
    loaded = loaded_after("--help")
    assert sorted(loaded & set(SLOW)) == []
    own = {name for name in loaded if name.startswith("regtools")}
    assert own == {
        "regtools",
        "regtools.cli",
        "regtools.cli.app",
        "regtools.cli.lazy",
        "regtools.errors",
    }


def test_the_version_loads_no_command_either() -> None:
    loaded = loaded_after("--version")
    assert sorted(loaded & set(SLOW)) == ["importlib.metadata"]
    assert "regtools.cli.output" not in loaded


@pytest.mark.parametrize("module", sorted({module for _, module, _ in COMMANDS}))
def test_the_help_of_a_command_loads_what_typer_needs_and_no_more(module: str) -> None:
    name = next(name for name, own, _ in COMMANDS if own == module)
    loaded = loaded_after(name, "--help")
    assert f"regtools.cli.{module}" in loaded
    assert sorted(loaded & set(SLOW) - TYPERS_OWN) == []
    assert not loaded & {"regtools.settings", "regtools.registries", "regtools.credentials"}


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_a_line_of_the_help_is_the_commands_own(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    later = group.commands[name]
    assert isinstance(later, Later)
    command = later.load()
    assert command.name == name
    assert later.get_short_help_str(200) == command.get_short_help_str(200)


def test_a_slip_is_met_with_the_nearest_name(regtools: Command) -> None:
    assert "Did you mean 'migrate'?" in regtools("migrat").err
    ran = regtools("migrate", "plna")
    assert ran.code == 2
    assert "Did you mean 'plan'?" in ran.err
    assert "regtools migrate [OPTIONS]" in ran.err


def test_a_missing_argument_names_the_command(regtools: Command) -> None:
    ran = regtools("scan")
    assert ran.code == 2
    assert "regtools scan [OPTIONS]" in ran.err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("regtools re", ["retention", "reconcile", "report", "registries"]),
        ("regtools migrate ", ["plan", "verify"]),
        ("regtools report he", ["health"]),
    ],
)
def test_the_shell_completes_commands_and_what_stands_below_them(
    words: str, offered: list[str]
) -> None:
    asked = {
        "_REGTOOLS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = Path(sys.executable).with_name("regtools")
    done = subprocess.run(
        [program], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == offered
