"""Execute a notebook with papermill, in a kernel of its own."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from regtools.errors import ReportError
from regtools.reports.kernels import Kernels
from regtools.reports.notebooks import Job, Limits
from regtools.reports.source import CAN_FORK

_LONGEST_CAUSE: Final = 400
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_USERINFO: Final = re.compile(r"(://)[^/?#\s@]+@")
_QUERY: Final = re.compile(r"(https?://[^\s?#]+)[?#]\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A notebook that ran to its end."""

    notebook: nbformat.NotebookNode
    seconds: float


class _SavesOnce(NBClientEngine):  # type: ignore[misc]
    """papermill's own way to run a notebook, saved once, at its end, well or not.

    papermill saves all of it before and after each cell, which takes longer than most cells.
    """

    NAME: Final = "saves-once"

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        path, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.output_path = path


papermill_engines.register(_SavesOnce.NAME, _SavesOnce)


def execute(
    job: Job, folder: Path, kernels: Kernels, limits: Limits, *, niceness: int = 0
) -> Executed:
    """Execute a notebook into a folder.

    Parameters
    ----------
    job
        The notebook and its parameters.
    folder
        A folder of its own, where ``<name>.ipynb`` is written.
    kernels
        The kernels of this run.
    limits
        How long a start and a cell may take.
    niceness
        By how much it gives way to others.

    Raises
    ------
    ReportError
        A cell failed, ran too long, or the kernel died; says which cell and why.
    """
    # papermill remembers a working folder for all threads, and may take one run's for another's.
    output = folder.absolute() / f"{job.name}.ipynb"
    clock = time.monotonic()
    own = kernels.for_one()
    watch = threading.Timer(limits.notebook_seconds, own.kill)
    watch.daemon = True
    watch.start()
    try:
        papermill.execute_notebook(
            job.notebook,
            output,
            parameters=dict(job.parameters),
            engine_name=_SavesOnce.NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=limits.start_seconds,
            execution_timeout=limits.cell_seconds,
            kernel_manager_class=own.manager(niceness),
            # It has told everything. Asked to end, one in four waits for itself: ipykernel's control
            # thread flushes what its main thread has closed. ipykernel 7.4, tried 2026-11.
            shutdown_kernel="immediate" if CAN_FORK else "graceful",
            # What a notebook says to us is not for others on this machine to read.
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )
    except PapermillExecutionError as error:
        raise _failure(job, output, f"{error.ename}: {error.evalue}", "CELL_FAILED") from error
    except CellTimeoutError as error:
        cause = f"it ran longer than {limits.cell_seconds} s"
        raise _failure(job, output, cause, "CELL_TIMEOUT") from error
    except (DeadKernelError, RuntimeError, OSError) as error:
        if own.killed and not kernels.killed:
            cause = f"all of it ran longer than {limits.notebook_seconds:g} s"
            raise _failure(job, output, cause, "NOTEBOOK_TIMEOUT") from error
        # jupyter_client says RuntimeError when a kernel dies while it starts, and sometimes finds
        # no process to end; any other error of the system is one of the disk.
        if isinstance(error, OSError) and not isinstance(error, ProcessLookupError):
            raise
        raise _failure(job, output, "its Python process died", "KERNEL_DIED") from error
    finally:
        watch.cancel()
    notebook = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
    scrub(notebook, job)
    nbformat.write(notebook, output)  # type: ignore[no-untyped-call]
    return Executed(notebook=notebook, seconds=time.monotonic() - clock)


def _failure(job: Job, output: Path, cause: str, code: str) -> ReportError:
    cell = failed_cell(output)
    where = f"in cell {cell}" if cell else "before its first cell"
    return ReportError(
        f"The notebook of {job.name} failed {where}: {clean_cause(cause)}",
        notebook=job.name,
        cell=cell,
        code=code,
        remedy=_REMEDIES[code],
    )


_REMEDIES: Final = {
    "CELL_FAILED": "Open the notebook in JupyterLab, give it the same parameters and run it cell by cell.",
    "CELL_TIMEOUT": "Look at fewer registries at a time, or allow the cell more time.",
    "NOTEBOOK_TIMEOUT": "Look at fewer registries at a time, or raise run.notebook_limit.",
    "KERNEL_DIED": "The machine may have run out of memory: look at fewer registries at a time.",
}


def failed_cell(output: Path) -> str:
    """Name the cell where a run ended: the one with an error, else the last one that started.

    papermill saves a dead or timed-out notebook with every cell "completed", so only the
    start times can be trusted. papermill 2.7, tried 2026-11.
    """
    if not output.is_file():
        return ""
    started = ""
    notebook = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if any(part.output_type == "error" for part in cell.get("outputs", [])):
            return str(cell.id)
        if cell.metadata.get("papermill", {}).get("start_time"):
            started = str(cell.id)
    return started


def clean_cause(text: str) -> str:
    """Make an error from inside a notebook fit for a terminal: one line, no secret of a URL.

    Examples
    --------
    >>> clean_cause("failed at https://me:secret@host/path?sig=1")
    'failed at https://host/path'
    """
    line = " ".join(_ESCAPES.sub("", text).split())
    line = _QUERY.sub(r"\1", _USERINFO.sub(r"\1", line))
    return line if len(line) <= _LONGEST_CAUSE else f"{line[:_LONGEST_CAUSE]}…"


def scrub(notebook: nbformat.NotebookNode, job: Job) -> None:
    """Take out what belongs to this machine or to this moment: paths, random ids, stderr, and
    widgets, which do nothing without their kernel."""
    notebook.metadata.pop("widgets", None)
    record = notebook.metadata.get("papermill", {})
    record["input_path"] = record["output_path"] = f"{job.name}.ipynb"
    record.pop("environment_variables", None)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if cell.cell_type == "code":
            cell["outputs"] = [part for part in cell.outputs if part.get("name") != "stderr"]
            for part in cell["outputs"]:
                _still(part.get("data", {}))


def _still(data: dict[str, object]) -> None:
    """Leave of a widget what it says in words; one that says nothing gets a sentence."""
    if data.pop(_WIDGET, None) is not None and "text/html" not in data:
        data["text/plain"] = "Controls that work where the notebook is open and was run."
