"""The house rules, held by the tools that know them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(*arguments: str) -> None:
    """Run a tool of this environment from the project's folder; show what it says if it fails."""
    tool = Path(sys.executable).with_name(arguments[0])
    done = subprocess.run(
        [tool, *arguments[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", "--no-cache", ".")


def test_everything_is_formatted() -> None:
    run("ruff", "format", "--check", "--no-cache", ".")


def test_the_package_is_strictly_typed() -> None:
    run("mypy")


def test_a_module_imports_only_from_the_floors_below_it() -> None:
    run("lint-imports", "--no-cache")


def test_there_are_five_notebooks_and_a_page_to_start_from() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert names == [
        "cost_comparison",
        "diagnose",
        "health",
        "retention",
        "start",
        "storage_growth",
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stripped(notebook: Path) -> None:
    run("nbstripout", "--verify", "--keep-id", str(notebook))


def test_the_lock_is_hashed_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+", lock, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert len(pins) > 50


def test_the_lock_holds_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = (ROOT / "requirements.lock").read_text()
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower() for line in wanted]
    assert [n for n in names if not re.search(rf"^{re.escape(n)}==", lock, re.MULTILINE)] == []


def test_importing_the_package_loads_no_heavy_library() -> None:
    """`regtools --help` answers at once; pandas alone would cost it half a second."""
    code = (
        "import json, sys; import regtools, regtools.cli; "
        "print(json.dumps([m for m in "
        "('pandas', 'pyarrow', 'duckdb', 'matplotlib', 'papermill', 'aiohttp', 'ipywidgets', "
        "'boto3', 'botocore') "
        "if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
