"""A vendor's own description of its API, and a check of answers against it."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).resolve().parents[2] / "data" / "vendors"


class Description:
    """An OpenAPI, Swagger or discovery document from ``tests/data/vendors``."""

    def __init__(self, file: str) -> None:
        self._file = FOLDER / file

    @cached_property
    def document(self) -> Any:
        """The document itself."""
        text = self._file.read_text(encoding="utf-8")
        data = json.loads(text) if self._file.suffix == ".json" else yaml.safe_load(text)
        return _plain(data)

    @cached_property
    def _registry(self) -> Registry[Any]:
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        return Registry().with_resource("description:", resource)

    def check(self, pointer: str, data: Any) -> Any:
        """Give the data back, once it is what stands at ``#/…`` in the description.

        Raises
        ------
        jsonschema.ValidationError
            It is something else.
        """
        schema = {"$ref": f"description:{pointer}"}
        Draft202012Validator(schema, registry=self._registry).validate(data)
        return data

    def check_list(self, pointer: str, data: list[Any]) -> list[Any]:
        """The same for each of a list."""
        return [self.check(pointer, one) for one in data]


def _plain(value: Any) -> Any:
    """Turn what Swagger and OpenAPI 3.0 say in their own words into JSON Schema's."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        # Dates in YAML are texts in JSON.
        return value if isinstance(value, str | int | float | bool | None) else str(value)
    plain = {str(key): _plain(one) for key, one in value.items()}
    if plain.get("nullable") is True or plain.get("x-nullable") is True:
        kind = plain.get("type")
        if isinstance(kind, str):
            plain["type"] = [kind, "null"]
            if isinstance(plain.get("enum"), list):
                plain["enum"] = [*plain["enum"], None]
    if "$ref" in plain and isinstance(plain["$ref"], str) and plain["$ref"].startswith("#"):
        plain["$ref"] = f"description:{plain['$ref']}"
    if isinstance(plain.get("discriminator"), str):
        del plain["discriminator"]
    return plain
