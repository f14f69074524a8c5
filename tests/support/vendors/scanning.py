"""Scan a fake vendor as a user would: by name, from a settings file, into a history."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tests.support.vendors.server import VendorServer

from regtools.access import Options
from regtools.history import History
from regtools.session import Scanned, scan

SECRET = "s3cret-of-the-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A finished scan, and its tables."""

    history: Path
    scanned: Scanned

    def table(self, name: str) -> pd.DataFrame:
        """Give one table of the snapshot."""
        folder = self.history / self.scanned.snapshot.snapshot
        return pd.read_parquet(folder / f"{name}.parquet")

    @property
    def tags(self) -> dict[tuple[str, str], str]:
        """(repository, tag) → digest."""
        rows = self.table("tags").itertuples()
        return {(row.repository, row.tag): row.digest for row in rows}

    @property
    def codes(self) -> list[str]:
        """Codes of the problems."""
        return [problem.code for problem in self.scanned.problems]


def settings_file(folder: Path, server: VendorServer, **fields: str) -> Path:
    """Write a settings file with one registry, ``work``, that is this server."""
    values = {"url": server.url, **fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    file = folder / "regtools.toml"
    history = f"history = {json.dumps(str(folder / 'history'))}\n"
    file.write_text(f"{history}[registries.work]\n" + "\n".join(lines) + "\n")
    return file


def scan_vendor(
    folder: Path,
    server: VendorServer,
    *,
    username: str = "",
    password: str = SECRET,
    options: dict[str, object] | None = None,
    **fields: str,
) -> Seen:
    """Scan; the password comes from the environment, as the settings say."""
    if username:
        os.environ["TEST_PASSWORD"] = password
        fields |= {"username": username, "password": "env:TEST_PASSWORD"}
    config = settings_file(folder, server, **fields)
    try:
        result = scan("work", options=Options(config=config, **(options or {})))  # type: ignore[arg-type]
    finally:
        os.environ.pop("TEST_PASSWORD", None)
    if result.failed:
        raise result.failed[0][1]
    return Seen(history=folder / "history", scanned=result.scanned[0])


def plan_tags(server: VendorServer) -> dict[tuple[str, str], str]:
    """(repository, tag) → digest of all that the server holds."""
    return {
        (name, tag): node.digest
        for name, tags in server.plan.tags.items()
        for tag, node in tags.items()
    }


def history_of(folder: Path) -> History:
    """Open the history that `scan_vendor` writes."""
    return History(folder / "history")
