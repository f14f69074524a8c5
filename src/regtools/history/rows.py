"""Rows of `regtools.schema` as Arrow tables, and what makes two rows the same."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from regtools.schema import TABLES

Tables = dict[str, pa.Table]
"""Arrow tables by their name."""

DATA_TABLES: Final = tuple(name for name in TABLES if name != "snapshots")
"""The tables of an inventory."""

_KEYS: Final = {
    "repositories": ("registry", "repository"),
    "tags": ("registry", "repository", "tag"),
    "untagged": ("registry", "repository", "digest"),
    "manifests": ("digest",),
    "children": ("parent", "child"),
    "layers": ("manifest", "position"),
    "reported": ("registry", "scope", "name", "kind"),
}
_TYPES: Final = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
}


@cache
def row_schema(table: str) -> pa.Schema:
    """Give the columns of a table as its class describes them."""
    return class_schema(TABLES[table])


@cache
def class_schema(kind: type) -> pa.Schema:
    """Give the fields of a class of rows as columns."""
    hints = typing.get_type_hints(kind)
    return pa.schema([_field(column.name, hints[column.name]) for column in fields(kind)])


@cache
def file_schema(table: str) -> pa.Schema:
    """Give the columns of a table on disk: `snapshot` first, so that files can be read together."""
    schema = row_schema(table)
    if "snapshot" in schema.names:
        return schema
    return pa.schema([pa.field("snapshot", pa.string(), nullable=False), *schema])


def to_table(table: str, rows: Iterable[Any]) -> pa.Table:
    """Turn rows into an Arrow table without the column `snapshot`."""
    return from_structs(to_structs(table, rows))


def class_table(kind: type, rows: Iterable[Any]) -> pa.Table:
    """Turn rows of a class into an Arrow table."""
    return from_structs(_structs(class_schema(kind), rows))


def to_structs(table: str, rows: Iterable[Any]) -> pa.StructArray:
    """Turn rows into one Arrow array."""
    return _structs(row_schema(table), rows)


def _structs(schema: pa.Schema, rows: Iterable[Any]) -> pa.StructArray:
    values = attrgetter(*schema.names)
    dicts = [dict(zip(schema.names, values(row), strict=True)) for row in rows]
    try:
        return pa.array(dicts, type=pa.struct(list(schema)))
    except UnicodeEncodeError:
        # JSON may hold half a surrogate pair, which no UTF-8 file can.
        clean = [{name: _encodable(value) for name, value in row.items()} for row in dicts]
        return pa.array(clean, type=pa.struct(list(schema)))


def from_structs(structs: pa.StructArray) -> pa.Table:
    """Give the rows of `to_structs` as a table."""
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(structs)])


def to_rows(table: str, data: pa.Table) -> list[Any]:
    """Turn a table, as it is on disk, into rows."""
    kind = TABLES[table]
    return [
        kind(**{name: _in_utc(value) for name, value in row.items()})
        for row in data.select(row_schema(table).names).to_pylist()
    ]


def unique(table: str, data: pa.Table) -> pa.Table:
    """Keep the first of the rows that speak of the same thing."""
    keys = _KEYS.get(table)
    if keys is None or data.num_rows < 2:
        return data
    numbered = data.select(list(keys)).append_column("row", pa.array(range(data.num_rows)))
    first = numbered.group_by(list(keys), use_threads=False).aggregate([("row", "min")])["row_min"]
    return data if len(first) == data.num_rows else data.take(first.combine_chunks().sort())


def with_snapshot(table: str, data: pa.Table, snapshot: str) -> pa.Table:
    """Put the column `snapshot` in front, or a new value into it."""
    if "snapshot" in data.schema.names:
        data = data.drop_columns(["snapshot"])
    column = pa.repeat(pa.scalar(snapshot), data.num_rows)
    schema = file_schema(table)
    return pa.Table.from_arrays([pa.chunked_array([column]), *data.columns], schema=schema)


def _field(name: str, hint: Any) -> pa.Field:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kind = next(option for option in options if option is not types.NoneType)
    return pa.field(name, _TYPES[kind], nullable=types.NoneType in options)


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _in_utc(value: Any) -> Any:
    """Give times the zone that the rest of regtools gives them; Arrow's is equal, not the same."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
