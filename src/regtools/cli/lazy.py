"""The list of commands, none of which is loaded before it is asked for.

`regtools --help` and completion read one line of each from here: every command's own libraries
would make them wait half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: Final = (
    (
        "demo",
        "demo",
        "Show what regtools does: a sample registry, 18 months of history, three reports.",
    ),
    ("scan", "scan", "Read the inventory of registries into the history."),
    ("usage", "analyze", "Show bytes: logical, physical, exclusive and shared."),
    ("growth", "analyze", "Show bytes over time, what grew, and when the storage is full."),
    (
        "cost",
        "cost",
        "Price this inventory, or a typed one, at every provider: a month's bill, cheapest first.",
    ),
    ("sharing", "sharing", "Show what images share, and what is stored more often than need be."),
    ("retention", "retention", "Show what a rule would delete and free. Nothing is deleted."),
    ("reconcile", "reconcile", "Explain what lies on a registry's disk, and what others count."),
    (
        "audit",
        "audit",
        "Show what is broken: missing children, tags, layers, and signatures of images gone.",
    ),
    ("report", "report", "Make reports from the history and publish them, whole or not at all."),
    ("run", "run", "Scan, diagnose, report, publish and tell, for every registry in the settings."),
    (
        "diagnose",
        "diagnose",
        "Walk from the name to the bytes, stage by stage, to one root cause and its remedy.",
    ),
    ("explain", "diagnose", "Say what a code of a diagnosis means, and what to do about it."),
    (
        "check-auth",
        "inspect",
        "Show which credential is used, where it was looked for, and whether it is accepted.",
    ),
    (
        "registries",
        "inspect",
        "List the registries in the settings, the kinds that are known, and what each can tell.",
    ),
    (
        "capabilities",
        "capabilities",
        "Measure what a registry can do of the protocol: at most thirty requests that only read.",
    ),
    (
        "lint-secret",
        "lint",
        "Find mistakes in a Kubernetes pull secret, or in Docker's or podman's configuration.",
    ),
    ("schedule", "schedule", "Print the definition that starts `regtools run` every night."),
    ("lab", "lab", "Open JupyterLab on your own copy of the notebooks, with a page to start from."),
    ("history", "history", "The store of snapshots."),
    (
        "migrate",
        "migrate",
        "Move images to another registry: what it takes, and whether all arrived. Copies nothing.",
    ),
    ("prices", "prices", "The price book."),
)
"""Name, module and one-line help of each, in the order of the help."""


class Later(TyperCommand):
    """Stands in for a command in lists, and gives way to it when it is to run."""

    def __init__(self, name: str, module: str, help: str) -> None:  # noqa: A002 - as Typer names it
        super().__init__(name=name, callback=None, help=help, rich_markup_mode=None)
        self._module = module

    def load(self) -> TyperCommand | TyperGroup:
        """Give the command itself."""
        app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        import_module(f"regtools.cli.{self._module}").register(app)
        command = typer.main.get_group(app).commands[str(self.name)]
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - for the type checker
        return command

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Begin the command itself, not its stand-in."""
        return self.load().make_context(*given, **more)


class Commands(TyperGroup):
    """All commands, each a line until it is asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, module, line in COMMANDS:
            self.add_command(Later(name, module, line))
