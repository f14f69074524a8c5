"""Run SQL files over snapshots, with DuckDB inside this process."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from regtools.history.files import file_path, read_table, unreadable
from regtools.history.place import Folder, Place
from regtools.history.rows import file_schema
from regtools.schema import LATER_COLUMNS, TABLES, SnapshotRow
from regtools.units import parse_bytes

if TYPE_CHECKING:
    from regtools.history import History

MEMORY_LIMIT: Final = 1_500_000_000
"""Bytes that DuckDB takes at most, for all that a process asks and keeps, before it goes on in a
temporary folder; Python and what is on its way to and from DuckDB come on top. So the largest
question stays below 2 GB."""
Answer = TypeVar("Answer")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_MOST_AT_ONCE: Final = 32
"""Statements that run at the same time; more of them wait."""
_WORD: Final = re.compile(r"\w+")
_opening: Final = Lock()
_numbers: Final = count()
_left_over: Final[deque[str]] = deque()
"""Tables of shelves that are gone. The next workspace drops them: a shelf may go at any moment,
also amid another statement."""


class Shelf:
    """Tables that several workspaces share: each is made once, and goes with the shelf."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: dict[str, str] = {}
        weakref.finalize(self, _leave, self._tables)

    def table(self, name: str, make: Callable[[str], object]) -> str:
        """Give the table that is kept under a name, made under the name it gets if there is none."""
        with self._lock:
            if name not in self._tables:
                table = f"kept_{next(_numbers)}"
                make(table)
                self._tables[name] = table
            return self._tables[name]


def _leave(tables: dict[str, str]) -> None:
    _left_over.extend(tables.values())


def bytes_kept() -> int:
    """Give the memory that tables take, those on shelves and those of open workspaces."""
    sql = """
        SELECT sum(memory_usage_bytes + temporary_storage_bytes) FROM duckdb_memory()
        WHERE tag = 'IN_MEMORY_TABLE'
    """
    with _opened() as connection:
        return int(_run(connection, sql)[0][0] or 0)


class Workspace:
    """Snapshots in view of one DuckDB connection, and the tables that SQL files made there.

    Parameters
    ----------
    history
        Where the snapshots are; None, where the facts come from elsewhere.
    snapshots
        What the views `snapshots`, `repositories`, `tags`, `untagged`, `manifests`, `children`,
        `layers`, `reported`, `checks` and `problems` show; each has a leading column `snapshot`.

    Raises
    ------
    HistoryError
        Code ``HISTORY_UNREADABLE``: a file of a snapshot is broken or gone. Every method may.
    """

    def __init__(self, history: History | None, snapshots: Sequence[SnapshotRow]) -> None:
        self.history = history
        self._place = history.place if history is not None else None
        self._snapshots = snapshots
        self._connection = _opened()
        self._shelves: list[Shelf] = []
        self._shown: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def in_view(self) -> tuple[str, ...]:
        """The names of the snapshots."""
        return tuple(row.snapshot for row in self._snapshots)

    def add(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        """Keep a frame as a table of that name."""
        self._connection.register("added", frame)
        _run(self._connection, f"CREATE OR REPLACE TEMP TABLE {name} AS FROM added")
        self._connection.unregister("added")

    def make(self, name: str, parameters: Mapping[str, object] = _NOTHING) -> None:
        """Keep what ``regtools/sql/<name>.sql`` answers as a table of that name."""
        sql = _sql(name)
        with self._blame():
            self._show(sql)
            _run(self._connection, f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", parameters)

    def keep(self, name: str, shelf: Shelf, parameters: Mapping[str, object] = _NOTHING) -> None:
        """Have a table as `make` gives it, but from a shelf, where it is made once.

        All that use the shelf must have the same snapshots in view, variables and other tables.
        """

        def made(table: str) -> None:
            sql = _sql(name)
            self._show(sql)
            _run(self._connection, f"CREATE TABLE {table} AS {sql}", parameters)

        with self._blame():
            table = shelf.table(name, made)
            _run(self._connection, f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {table}")
        self._shelves.append(shelf)  # as long as this is open

    def view(self, name: str) -> None:
        """Give ``regtools/sql/<name>.sql`` its name without computing it; it takes variables."""
        sql = _sql(name)
        with self._blame():
            self._show(sql)
            _run(self._connection, f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def set(self, name: str, value: str | float | datetime | None) -> None:
        """Give a variable its value, for all that is asked from now on."""
        cast = ""
        if isinstance(value, datetime):
            # As text: DuckDB wants another package for a datetime with a zone.
            value, cast = value.isoformat(), "::TIMESTAMPTZ"
        _run(self._connection, f"SET VARIABLE {name} = $value{cast}", {"value": value})

    def ask(
        self,
        name: str,
        *,
        parameters: Mapping[str, object] = _NOTHING,
        tables: Mapping[str, pd.DataFrame] = _NOTHING,
    ) -> pd.DataFrame:
        """Run ``regtools/sql/<name>.sql``.

        Parameters
        ----------
        parameters
            Values for ``$name`` in the SQL: all that it names, and no other.
        tables
            More views, from frames, for this question.

        Returns
        -------
        DataFrame
            Whole numbers are ``int64``, or ``Int64`` where some are missing; times are UTC.
        """
        sql = _sql(name)
        with self._blame():
            self._show(sql)
            try:
                for view, frame in tables.items():
                    self._connection.register(view, frame)
                answer = _aside(
                    self._connection,
                    lambda: self._connection.sql(sql, params=dict(parameters)).to_arrow_table(),
                )
            finally:
                for view in tables:
                    self._connection.unregister(view)
        return _to_frame(answer)

    def _show(self, sql: str) -> None:
        """Make a view of the files of each table that this SQL names, and no other one did."""
        named = _tables_in(sql) - self._shown
        _show(self._connection, self._place, self._snapshots, named)
        self._shown |= named

    @contextmanager
    def _blame(self) -> Iterator[None]:
        """Blame the file if it was one; DuckDB's words do not always name it."""
        try:
            yield
        except (duckdb.Error, OSError):
            if self._place is not None:
                _require_readable(self._place, self._snapshots)
            raise


def query(
    history: History,
    name: str,
    *,
    snapshots: Sequence[SnapshotRow],
    parameters: Mapping[str, object] = _NOTHING,
    tables: Mapping[str, pd.DataFrame] = _NOTHING,
) -> pd.DataFrame:
    """Ask one question of some snapshots; see `Workspace`."""
    with Workspace(history, snapshots) as workspace:
        return workspace.ask(name, parameters=parameters, tables=tables)


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001  # no fork has its threads
    """Give the one database of a process, whose memory all questions share."""
    database = duckdb.connect(config=_config())
    # A day is a day in UTC; `duckdb.connect` does not take this one.
    _run(database, "SET GLOBAL TimeZone = 'UTC'")
    # DuckDB's own limit is a share of the machine, or of the container.
    own = parse_bytes(_run(database, "SELECT current_setting('memory_limit')")[0][0])
    _run(database, f"SET memory_limit = '{min(own, MEMORY_LIMIT)}B'")
    _run(database, _file("macros"))
    return database


def _opened() -> duckdb.DuckDBPyConnection:
    """Open a connection, which has temporary tables, views and variables of its own."""
    with _opening:  # two threads that begin at once get the same database
        connection = _database(os.getpid()).cursor()
    # In a notebook without ipywidgets the bar is off, and switching it off again is refused.
    # DuckDB 2.0, tried 2026-11.
    if _run(connection, "SELECT current_setting('enable_progress_bar')") == [(True,)]:
        _run(connection, "SET enable_progress_bar = false")
    with suppress(IndexError):  # none is left: perhaps another thread took the last one
        while True:
            _run(connection, f"DROP TABLE IF EXISTS {_left_over.popleft()}")
    return connection


def _run(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: Mapping[str, object] = _NOTHING,
) -> list[Any]:
    # DuckDB 2.0 lets nothing else happen on a connection before a result is fetched to its end.
    return _aside(
        connection, lambda: connection.execute(statement, dict(parameters) or None).fetchall()
    )


def _aside(connection: duckdb.DuckDBPyConnection, work: Callable[[], Answer]) -> Answer:
    """Let DuckDB work in a thread of its own, so that a signal ends it at once.

    Where a signal's handler raises in the thread that asked, DuckDB waits for its own threads
    without telling them to stop: for as long as the question takes. DuckDB 2.0, tried 2026-11.
    """
    answer = _threads(os.getpid()).submit(work)
    try:
        while not answer.done():
            wait([answer], 0.1)  # a signal that another thread got does not end a longer wait
    except BaseException:
        while not answer.done() and not answer.cancel():
            connection.interrupt()
            wait([answer], 0.05)
        raise
    return answer.result()


@cache
def _threads(process: int) -> ThreadPoolExecutor:  # noqa: ARG001  # no fork has its threads
    return ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="duckdb")


def _sql(name: str) -> str:
    return _file(name)


@cache
def _file(name: str) -> str:
    return (files("regtools") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _config() -> dict[str, Any]:
    return {
        # An extension is downloaded at first use and fails without a network; none is needed.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A name in the SQL means a view, never a variable of Python.
        "python_enable_replacements": False,
        # Rows come in the order that the SQL asks for; keeping another one costs memory.
        "preserve_insertion_order": False,
        # Memory is free again after a question: others need it, and Python does.
        "enable_external_file_cache": False,
        # Made only when memory runs out, and then not in the user's working folder.
        "temp_directory": str(Path(tempfile.gettempdir()) / f"regtools-{secrets.token_hex(8)}"),
    }


def _show(
    connection: duckdb.DuckDBPyConnection,
    place: Place | None,
    snapshots: Sequence[SnapshotRow],
    tables: Iterable[str],
) -> None:
    """Make a view of each of these tables' files."""
    views = []
    for table in tables:
        schema = file_schema(table)
        paths = [file_path(place, row.snapshot, table) for row in snapshots] if place else []
        if place is None or not paths:
            connection.register(table, schema.empty_table())
        elif isinstance(place, Folder):
            if table in LATER_COLUMNS:
                connection.register(f"no_{table}", schema.empty_table())
            views.append(_view_of(table, schema.names, paths))
        else:
            files_of_bucket = pads.dataset(
                paths, schema=schema, format="parquet", filesystem=place.filesystem
            )
            connection.register(table, files_of_bucket)
    if views:
        _run(connection, ";".join(views))


@cache
def _tables_in(sql: str) -> frozenset[str]:
    """Give the tables that an SQL text names, perhaps also one whose name it uses otherwise."""
    return frozenset(_WORD.findall(sql)) & TABLES.keys()


def _view_of(table: str, columns: Sequence[str], paths: Sequence[str]) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    listed = ", ".join(map(_literal, paths))
    source = f"read_parquet([{listed}])"
    if table in LATER_COLUMNS:
        source = (
            f"(SELECT * FROM read_parquet([{listed}], union_by_name = true) "  # noqa: S608
            f"UNION ALL BY NAME SELECT * FROM no_{table})"
        )
    return f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT {named} FROM {source}"  # noqa: S608  # escaped


def _literal(path: str) -> str:
    """Write a path as an SQL text in which DuckDB sees no pattern."""
    plain = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)
    return "'" + plain.replace("'", "''") + "'"


def _require_readable(place: Place, snapshots: Sequence[SnapshotRow]) -> None:
    for row in snapshots:
        for table in TABLES:
            try:
                read_table(place, row.snapshot, table, columns=file_schema(table).names)
            except FileNotFoundError as error:
                path = place.url(file_path(place, row.snapshot, table))
                raise unreadable(path, "it is missing") from error


def _to_frame(answer: pa.Table) -> pd.DataFrame:
    """Give a frame whose types do not depend on DuckDB's: a sum is its HUGEINT, a count BIGINT."""
    fields = [pa.field(column.name, _plain(column.type)) for column in answer.schema]
    plain = answer.cast(pa.schema(fields))
    return pd.DataFrame(
        {
            field.name: column.to_pandas(
                types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get
                if column.null_count
                else None,
                date_as_object=False,
            )
            for field, column in zip(fields, plain.columns, strict=True)
        }
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return pa.int64()
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return pa.float64()
    return kind
