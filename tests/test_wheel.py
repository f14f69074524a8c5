"""What people install works without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_code_data_and_exactly_the_notebooks(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(name for name in names if "_notebooks/" in name) == [
        "regtools/_notebooks/cost_comparison.ipynb",
        "regtools/_notebooks/diagnose.ipynb",
        "regtools/_notebooks/health.ipynb",
        "regtools/_notebooks/retention.ipynb",
        "regtools/_notebooks/start.ipynb",
        "regtools/_notebooks/storage_growth.ipynb",
    ]
    for wanted in ("regtools/py.typed", "regtools/sql/usage_by_tag.sql", "regtools/cli/app.py"):
        assert wanted in names
    assert any(name.startswith("regtools/prices/") for name in names)
    assert any(name.endswith("index.html.j2") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_report_is_made_from_the_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(site)
    folder.mkdir()
    code = (
        "import regtools; "
        f"assert regtools.__file__.startswith({str(site)!r}), regtools.__file__; "
        "from regtools.cli import main; main()"
    )
    environ = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    made = folder / "made.py"
    made.write_text(
        "from datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from regtools.demo import sample_history\n"
        "sample_history(Path('history'), now=datetime.now(UTC), weeks_between=12)\n"
    )
    subprocess.run([sys.executable, made], cwd=folder, env=environ, check=True)
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "health", "--json"],
        cwd=folder,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reports"][0]["name"] == "health"
    assert (folder / "reports/health/latest/report.json").is_file()
    assert (folder / "reports/index.html").is_file()
