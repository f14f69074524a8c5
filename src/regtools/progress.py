"""Progress of long work: a bar in the terminal, one in a notebook, or none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from regtools.collect.scan import Progress

Show = Callable[[Progress], None]
Count = Callable[[int, int], None]


class Bars(Protocol):
    """A place that shows progress."""

    def scan(self, registry: str) -> AbstractContextManager[Show]:
        """Open a bar for one registry; what it gives takes each step."""

    def steps(self, what: str) -> AbstractContextManager[Count]:
        """Open a bar for things done one after the other; what it gives takes done and total."""


class Silent:
    """Shows nothing: cron, pipes, and reports under papermill."""

    @contextmanager
    def scan(self, registry: str) -> Iterator[Show]:
        """Take the steps and drop them."""
        del registry
        yield lambda _: None

    @contextmanager
    def steps(self, what: str) -> Iterator[Count]:
        """Take the steps and drop them."""
        del what
        yield lambda _done, _total: None


class Terminal:
    """A bar on stderr, while that is a terminal."""

    @contextmanager
    def scan(self, registry: str) -> Iterator[Show]:
        """Show repositories done, tags and requests."""
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[what]} · {task.fields[requests]:,} requests"),
            TimeElapsedColumn(),
        )
        with Rich(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(escape(registry), total=None, what="repositories", requests=0)

            def show(step: Progress) -> None:
                bar.update(
                    task,
                    # Until the catalog is read to its end, nobody knows how many there are.
                    total=None if step.listing else step.listed,
                    completed=step.finished,
                    what=f"{step.unit} · {step.tags:,} tags" if step.tags else step.unit,
                    requests=step.requests,
                )

            yield show

    @contextmanager
    def steps(self, what: str) -> Iterator[Count]:
        """Show how many of how many."""
        from rich.console import Console
        from rich.progress import Progress as Rich

        with Rich(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


class Notebook:
    """A bar under the cell."""

    @contextmanager
    def scan(self, registry: str) -> Iterator[Show]:
        """Show repositories done, tags and requests."""
        from tqdm.auto import tqdm

        with tqdm(desc=registry, unit="repositories") as bar:

            def show(step: Progress) -> None:
                if step.unit != bar.unit:
                    bar.reset()
                    bar.unit = step.unit
                bar.total = None if step.listing else step.listed
                bar.set_postfix(tags=step.tags, requests=step.requests, refresh=False)
                bar.update(step.finished - bar.n)

            yield show

    @contextmanager
    def steps(self, what: str) -> Iterator[Count]:
        """Show how many of how many."""
        from tqdm.auto import tqdm

        with tqdm(desc=what) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield show


def for_terminal() -> Bars:
    """Give a bar if stderr is a terminal, or under the cell where `%regtools` runs a command."""
    if sys.stderr.isatty():
        return Terminal()
    return Notebook() if _in_kernel() else Silent()


def _in_kernel() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")


def for_notebook() -> Bars:
    """Give a bar if this runs in a Jupyter kernel."""
    return Notebook() if "ipykernel" in sys.modules else Silent()
