"""An executed notebook as one HTML file: loads nothing, runs nothing, reads on paper too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regtools.markup import (
    FINDINGS_MIME,
    PROVENANCE_MIME,
    SEVERITIES,
    component_style,
    components_css,
    escape,
    format_date,
    format_moment,
)
from regtools.reports.notebooks import Job
from regtools.reports.publish import regtools_version

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATES = Path(str(resources.files("regtools"))) / "reports" / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A rendered report and what its notebook said as data."""

    html: str
    title: str
    """The question that the notebook's first heading asks."""
    findings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def render(notebook: NotebookNode, *, job: Job, created_at: datetime) -> Page:
    """Make the page of an executed notebook.

    Parameters
    ----------
    notebook
        The executed notebook.
    job
        What was asked for; its parameters stand at the foot of the page.
    created_at
        The time that stands on the page.
    """
    from nbconvert.exporters import HTMLExporter  # takes long to load; the notebooks run meanwhile

    title = first_heading(notebook) or job.title
    findings, provenance = lifted(notebook, FINDINGS_MIME), lifted(notebook, PROVENANCE_MIME)
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="regtools",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    page = {
        "title": title,
        "name": job.title,
        "subtitle": subtitle(provenance, created_at),
        "status": findings.get("status", ""),
        "status_word": SEVERITIES.get(findings.get("status", ""), ""),
        "created_at": moment(created_at),
        "version": regtools_version(),
        "parameters": job.values(),
        "css": components_css() + page_css(),
        # A box brings this into a notebook; in a page it would stand above the rules for paper.
        "brought": component_style(),
    }
    html, _ = exporter.from_notebook_node(notebook, resources={"page": page, "escape": escape})
    return Page(html=html, title=title, findings=findings, provenance=provenance)


def page_css() -> str:
    """Give the style that a report and the index share."""
    return (_TEMPLATES / "page.css").read_text(encoding="utf-8")


def moment(when: datetime) -> str:
    """Give a time as it stands on a page."""
    return format_moment(when)


def first_heading(notebook: NotebookNode) -> str:
    """Give the text of the first ``# heading`` of a notebook, empty where there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return str(cell.source.splitlines()[0].removeprefix("# ").strip())
    return ""


def lifted(notebook: NotebookNode, mime: str) -> dict[str, Any]:
    """Give what the notebook's cells said as data under this type; nothing, if nothing."""
    for output in _outputs(notebook):
        if mime in output.get("data", {}):
            return dict(output["data"][mime])
    return {}


def _outputs(notebook: NotebookNode) -> Iterator[Mapping[str, Any]]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def _named(row: Mapping[str, Any]) -> str:
    return "/".join(part for part in (row["registry"], row.get("namespace")) if part)


def subtitle(provenance: Mapping[str, Any], created_at: datetime) -> str:
    """Say which registries the report is about, of which day, and whether they were read whole."""
    registries = list(dict.fromkeys(map(_named, provenance.get("snapshots", []))))
    if not registries:
        return moment(created_at)
    named = ", ".join(registries[:3]) + (
        f" and {len(registries) - 3} more" if registries[3:] else ""
    )
    taken = [datetime.fromisoformat(row["taken_at"]) for row in provenance["snapshots"]]
    days = dict.fromkeys(format_date(when) for when in (min(taken), max(taken)))
    whole = "read completely" if provenance.get("complete") else "NOT read completely"
    return f"{named} · as of {' to '.join(days)} · {whole}"
