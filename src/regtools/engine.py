"""Run an SQL file over snapshots, with DuckDB inside this process."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from regtools.history.files import file_path, read_table, unreadable
from regtools.history.place import Folder, Place
from regtools.history.rows import file_schema
from regtools.schema import TABLES, SnapshotRow

if TYPE_CHECKING:
    from regtools.history import History

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def query(
    history: History,
    name: str,
    *,
    snapshots: Sequence[SnapshotRow],
    parameters: Mapping[str, object] = _NOTHING,
    tables: Mapping[str, pd.DataFrame] = _NOTHING,
) -> pd.DataFrame:
    """Run ``regtools/sql/<name>.sql`` over some snapshots.

    Parameters
    ----------
    name
        The SQL file's name without its ending.
    snapshots
        What the views `snapshots`, `repositories`, `tags`, `manifests`, `children`, `layers`,
        `checks` and `problems` show; each has a leading column `snapshot`.
    parameters
        Values for ``$name`` in the SQL: all that it names, and no other.
    tables
        More views, from frames.

    Returns
    -------
    DataFrame
        Whole numbers are ``int64``, or ``Int64`` where some are missing; times are UTC.

    Raises
    ------
    HistoryError
        Code ``HISTORY_UNREADABLE``: a file of a snapshot is broken or gone.
    """
    sql = _sql(name)
    place = history.place
    with duckdb.connect(config=_config()) as connection:
        _set_up(connection)
        try:
            for table in TABLES:
                _show(connection, place, table, snapshots)
            for view, frame in tables.items():
                connection.register(view, frame)
            answer = connection.sql(sql, params=dict(parameters)).to_arrow_table()
        except (duckdb.Error, OSError):
            # Blame the file if it was one; DuckDB's words do not always name it.
            _require_readable(place, snapshots)
            raise
    return _to_frame(answer)


def _set_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what `duckdb.connect` does not take."""
    _run(connection, "SET TimeZone = 'UTC'")
    # A name in the SQL means a view, never a variable of Python.
    _run(connection, "SET python_enable_replacements = false")
    # In a notebook without ipywidgets the bar is off, and switching it off again is refused.
    # DuckDB 2.0, tried 2026-11.
    if _run(connection, "SELECT current_setting('enable_progress_bar')") == [(True,)]:
        _run(connection, "SET enable_progress_bar = false")


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> list[Any]:
    # DuckDB 2.0 lets nothing else happen on a connection before a result is fetched to its end.
    return connection.execute(statement).fetchall()


def _sql(name: str) -> str:
    return (files("regtools") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _config() -> dict[str, Any]:
    return {
        # An extension is downloaded at first use and fails without a network; none is needed.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Made only when memory runs out, and then not in the user's working folder.
        "temp_directory": str(Path(tempfile.gettempdir()) / f"regtools-{secrets.token_hex(8)}"),
    }


def _show(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    table: str,
    snapshots: Sequence[SnapshotRow],
) -> None:
    """Make a view of a table's files."""
    schema = file_schema(table)
    paths = [file_path(place, row.snapshot, table) for row in snapshots]
    if not paths:
        connection.register(table, schema.empty_table())
    elif isinstance(place, Folder):
        columns = ", ".join(f'"{column}"' for column in schema.names)
        listed = ", ".join(map(_literal, paths))
        select = f"SELECT {columns} FROM read_parquet([{listed}])"  # noqa: S608  # escaped
        _run(connection, f"CREATE VIEW {table} AS {select}")
    else:
        files_of_bucket = pads.dataset(
            paths, schema=schema, format="parquet", filesystem=place.filesystem
        )
        connection.register(table, files_of_bucket)


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
