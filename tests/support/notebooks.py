"""Small notebooks for tests of the machinery around them."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

GOOD = """
import pandas as pd
from regtools.findings import Finding, Findings, KeyNumber
found = Finding(severity="warning", code="HOSTILE", summary=hostile, remedy="<b>do</b>")
Findings([found], [KeyNumber(name="physical_bytes", value=size, label="Stored")])
"""


def write_notebook(path: Path, *cells: tuple[str, str], parameters: str = "") -> Path:
    """Write a notebook with a heading, a parameters cell and these cells: (id, source)."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Does it work?", id="title"),
            new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
            *(new_code_cell(source.strip(), id=name) for name, source in cells),
        ],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "P"}},
    )
    nbformat.write(notebook, path)
    return path


def write_good_notebook(path: Path) -> Path:
    """Write a notebook with findings that hold a hostile name."""
    parameters = 'history = ""\nregistry = ""\nsize = 1\nhostile = "<script>alert(1)</script> $x$ <img onerror=1>"'
    return write_notebook(path, ("findings", GOOD), parameters=parameters)
