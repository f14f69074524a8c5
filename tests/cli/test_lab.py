"""`regtools lab`, with the real server of JupyterLab."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from regtools.lab import NOTEBOOKS, START, working_copy
from regtools.reports.notebooks import notebook_path


def answer(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as got:
        return json.load(got)


def test_jupyterlab_serves_the_copy_and_its_start_page(tmp_path: Path) -> None:
    folder = tmp_path / "my notebooks"
    code = "from regtools.cli import main; main()"
    command = [sys.executable, "-c", code, "lab", "--no-browser", "--output", str(folder)]
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "HOME": str(tmp_path),
    }
    environment.pop("JUPYTER_TOKEN", None)
    log = tmp_path / "log"
    as_root = ["--", "--allow-root"] if os.geteuid() == 0 else []
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--history", "kept", *as_root], cwd=tmp_path, stderr=out, stdout=out,
            env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        found = wait_for_server(tmp_path / "runtime", server, log)
        base, query = found["url"], f"token={found['token']}"
        listed = answer(f"{base}api/contents?{query}")["content"]
        names = {one["name"] for one in listed if one["type"] == "notebook"}
        assert names == {notebook_path(name).name for name in NOTEBOOKS}
        page = answer(f"{base}api/contents/{START}?{query}")["content"]
        assert page["cells"][0]["source"].startswith("# ")
        assert f"/lab/tree/{START}" in log.read_text().replace("%20", " ")
        # Commands in a notebook mean the history that the terminal meant.
        place = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
        assert f"REGTOOLS_HISTORY={tmp_path / 'kept'}".encode() in place
        assert found["token"].encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def wait_for_server(runtime: Path, server: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Read the address that a server writes down once it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                found = json.loads(file.read_text())
                answer(f"{found['url']}api?token={found['token']}")
            except (OSError, ValueError):
                continue
            return dict(found)
        time.sleep(0.1)
    pytest.fail(log.read_text())


def test_what_somebody_changed_stays_and_the_rest_is_brought_up_to_date(tmp_path: Path) -> None:
    first = working_copy(tmp_path)
    assert set(first.written) == {notebook_path(name).name for name in NOTEBOOKS}
    assert working_copy(tmp_path).written == ()
    # As a regtools of yesterday left them: one changed since, one not.
    old = {"health.ipynb": "an older one", "diagnose.ipynb": "an older one"}
    record = json.loads((tmp_path / ".regtools.json").read_text())
    for name, text in old.items():
        (tmp_path / name).write_text(text)
        record[name] = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / ".regtools.json").write_text(json.dumps(record))
    (tmp_path / "health.ipynb").write_text("mine")
    (tmp_path / "retention.ipynb").write_text("mine too")
    (tmp_path / "extra.ipynb").write_text("all mine")
    (tmp_path / START).unlink()
    again = working_copy(tmp_path)
    assert set(again.written) == {"diagnose.ipynb", START}
    assert set(again.kept) == {"health.ipynb", "retention.ipynb"}
    assert again.outdated == ("health.ipynb",)
    assert (tmp_path / "health.ipynb").read_text() == "mine"
    assert (tmp_path / "retention.ipynb").read_text() == "mine too"
    assert (tmp_path / "diagnose.ipynb").read_bytes() == notebook_path("diagnose").read_bytes()
    # Once more, and nothing has been forgotten.
    assert working_copy(tmp_path).outdated == ("health.ipynb",)


def test_files_that_were_there_before_are_their_owners(tmp_path: Path) -> None:
    (tmp_path / "health.ipynb").write_text("mine")
    (tmp_path / ".regtools.json").write_text("{ not JSON")
    copy = working_copy(tmp_path)
    assert copy.kept == ("health.ipynb",)
    assert (tmp_path / "health.ipynb").read_text() == "mine"


def test_the_start_page_leads_to_every_notebook_under_its_own_question() -> None:
    page = json.loads(notebook_path("start").read_text())
    words = "\n".join("".join(cell["source"]) for cell in page["cells"])
    links = set(re.findall(r"\]\(([a-z_]+\.ipynb)\)", words))
    assert links == {notebook_path(name).name for name in NOTEBOOKS} - {START}
    for name in sorted(links):
        cells = json.loads(notebook_path(name.removesuffix(".ipynb")).read_text())["cells"]
        question = "".join(cells[0]["source"]).removeprefix("# ").strip()
        assert question in words, name
