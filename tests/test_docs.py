"""The documentation knows every command, option and code, and links to pages that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from tests.support import pictures

from regtools.cli.app import app
from regtools.cli.lazy import Later

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
SOURCES = "\n".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.py")))
RAISED = sorted(
    {
        *re.findall(r'\bcode="([A-Z][A-Z0-9_]+)"', SOURCES),
        *re.findall(r'default_code = "([A-Z][A-Z0-9_]+)"', SOURCES),
        *re.findall(r'_(?:invalid|unreachable)\(\s*"([A-Z][A-Z0-9_]+)"', SOURCES),
        *re.findall(r'"((?:DNS|CONNECT|TLS|HTTP|AUTH|LISTING|BLOB)_[A-Z_]+)"', SOURCES),
        *re.findall(r'"((?:SNAPSHOT|CAPACITY|GROWTH|TAGS|SIZES|AGES)_[A-Z_]+)"', SOURCES),
    }
    # What the cost and growth reports say first has names of its own, for their sidecars.
    - set(re.findall(r'code="([A-Z_]+)"', (ROOT / "src/regtools/findings/cost.py").read_text()))
    - set(re.findall(r'code="([A-Z_]+)"', (ROOT / "src/regtools/findings/growth.py").read_text()))
    - set(re.findall(r'code="([A-Z_]+)"', (ROOT / "src/regtools/findings/health.py").read_text()))
    - set(
        re.findall(r'code="([A-Z_]+)"', (ROOT / "src/regtools/findings/retention.py").read_text())
    )
    # What the demo's own registry says, as the protocol has it.
    - {"REGTOOLS", "HTTP_REQUEST", "BLOB_UNKNOWN"}
)


def commands() -> Iterator[tuple[str, list[str]]]:
    def walk(command: object, name: str) -> Iterator[tuple[str, list[str]]]:
        if isinstance(command, Later):
            command = command.load()
        children = getattr(command, "commands", None)
        if children is None:
            options = [o for p in command.params for o in p.opts if o.startswith("--")]  # type: ignore[attr-defined]
            yield name, options
            return
        for child in children.values():
            yield from walk(child, f"{name} {child.name}")

    yield from walk(typer.main.get_command(app), "regtools")


@pytest.mark.parametrize(("name", "options"), list(commands()), ids=lambda value: str(value)[:40])
def test_every_command_and_option_has_its_place(name: str, options: list[str]) -> None:
    page = (ROOT / "docs/commands.md").read_text()
    last = name.rpartition(" ")[2]
    assert name in page or f"`{last}`" in page
    missing = [o for o in options if not re.search(rf"{re.escape(o)}\b", page) and o != "--help"]
    assert missing == []


@pytest.mark.parametrize("code", RAISED)
def test_every_code_is_explained(code: str) -> None:
    # What is odd about a vendor's policy stands beside the policies.
    names = ("codes.md", "diagnose-codes.md", "health.md", "lint-secret.md", "policies/README.md")
    pages = tuple(ROOT / "docs" / name for name in names)
    assert any(f"`{code}`" in page.read_text() for page in pages)


def test_the_pictures_are_those_that_the_script_takes_and_the_pages_show() -> None:
    folder = ROOT / "docs" / "images"
    there = {path.stem for path in folder.iterdir()}
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"!\[[^]]+\]\([^)]*images/([^)]+)\.png\)", page.read_text())
    }
    assert there == set(pictures.SHOTS) == shown
    heavy = [path.name for path in folder.iterdir() if path.stat().st_size > pictures.MOST_BYTES]
    assert heavy == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
