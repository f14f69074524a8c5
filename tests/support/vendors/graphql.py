"""A small GraphQL server: it refuses what its schema does not have, pages, and counts the cost.

It knows queries with variables, aliases and arguments, and none of the rest of the language. The
schema is data: ``tests/data/vendors/gitlab_graphql_subset.json``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'[\s,]*(?:([{}():!$\[\]=])|([A-Za-z_]\w*)|(-?\d+)|"((?:[^"\\]|\\.)*)")')
_SCALARS: dict[str, type | tuple[type, ...]] = {
    "String": str,
    "ID": str,
    "Int": int,
    "Float": (int, float),
    "Boolean": bool,
    "Time": str,
    "BigInt": str,
    "UntrustedRegexp": str,
}
_PAGE = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


class RefusedError(Exception):
    """The query is not one of this schema, or costs too much; nothing of it is done."""

    def __init__(self, message: str, **extensions: str) -> None:
        super().__init__(message)
        self.extensions = extensions


class FieldError(Exception):
    """A field cannot be given; the rest can."""


@dataclass(slots=True)
class Selection:
    """A field that is asked for."""

    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inside: list[Selection] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Variable:
    """``$name`` where a value stands."""

    name: str


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip(" \n,"):
            match = _TOKEN.match(text, at)
            if match is None:
                raise RefusedError(f"Parse error on {text[at : at + 10]!r}")
            self._tokens.append(match[0].lstrip(" \n,"))
            at = match.end()
        self._at = 0

    def document(self) -> tuple[dict[str, str], list[Selection]]:
        declared: dict[str, str] = {}
        if self._peek() != "{":
            self._take("query")
            if re.fullmatch(r"\w+", self._peek()):
                self._next()
            if self._peek() == "(":
                declared = self._variables()
        selections = self._selections()
        if self._at != len(self._tokens):
            raise RefusedError(f"Parse error on {self._peek()!r}")
        return declared, selections

    def _variables(self) -> dict[str, str]:
        declared = {}
        self._take("(")
        while self._peek() != ")":
            self._take("$")
            name = self._next()
            self._take(":")
            kind = self._next()
            if self._peek() == "!":
                kind += self._next()
            declared[name] = kind
        self._take(")")
        return declared

    def _selections(self) -> list[Selection]:
        self._take("{")
        found = []
        while self._peek() != "}":
            name = alias = self._next()
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise RefusedError(f"Parse error on {name!r}")
            if self._peek() == ":":
                self._take(":")
                name = self._next()
            one = Selection(name, alias)
            if self._peek() == "(":
                one.arguments = self._arguments()
            if self._peek() == "{":
                one.inside = self._selections()
            found.append(one)
        self._take("}")
        if not found:
            raise RefusedError("Parse error on '}'")
        return found

    def _arguments(self) -> dict[str, Any]:
        self._take("(")
        found: dict[str, Any] = {}
        while self._peek() != ")":
            name = self._next()
            self._take(":")
            found[name] = self._value()
        self._take(")")
        return found

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            return Variable(self._next())
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        if token.startswith('"'):
            return token[1:-1]
        return token  # an enumeration's value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise RefusedError("Unexpected end of document")
        self._at += 1
        return token

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            raise RefusedError(f"Expected {wanted!r}")


Resolve = Callable[[Any, str, Any, str, Mapping[str, Any]], Any]
"""(who asks, type, object, field, arguments) → value; of a connection a list of (cursor, object)."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One query under way."""

    resolve: Resolve
    asker: Any
    variables: Mapping[str, Any]
    errors: list[dict[str, Any]]


class GraphQlServer:
    """Answers queries by a schema and a function that gives values."""

    def __init__(self, schema: Mapping[str, Any], resolve: Resolve) -> None:
        self._schema = schema
        self._resolve = resolve
        self.milestone = "18.6"
        """The version whose fields it has."""
        self.most_complexity: int | None = None
        """Less than the documented limit, where a test wants so."""
        self.complexities: list[int] = []

    def answer(self, body: Mapping[str, Any], asker: Any) -> dict[str, Any]:
        """Answer one request's body; `asker` is None where nobody in particular asks."""
        try:
            limits = self._schema["limits"]
            if len(body["query"]) > limits["characters"]:
                raise RefusedError("Query too large")
            declared, selections = _Parser(body["query"]).document()
            variables = body.get("variables") or {}
            self._check_variables(declared, variables, selections)
            complexity = sum(self._cost("Query", one, variables, 1) for one in selections)
            most = limits["complexity_anonymous" if asker is None else "complexity"]
            most = self.most_complexity or most
            if complexity > most:
                raise RefusedError(
                    f"Query has complexity of {complexity}, which exceeds max complexity of {most}"
                )
            self.complexities.append(complexity)
        except RefusedError as error:
            more = {"extensions": error.extensions} if error.extensions else {}
            return {"errors": [{"message": str(error), **more}]}
        errors: list[dict[str, Any]] = []
        run = _Run(self._resolve, asker, variables, errors)
        data = self._object("Query", None, selections, run, [])
        return {"data": data, **({"errors": errors} if errors else {})}

    def _check_variables(
        self, declared: Mapping[str, str], given: Mapping[str, Any], asked: list[Selection]
    ) -> None:
        used = {value.name for value in _values(asked) if isinstance(value, Variable)}
        if missing := used - set(declared):
            raise RefusedError(f"Variable ${min(missing)} is used but not declared")
        if unused := set(declared) - used:
            raise RefusedError(f"Variable ${min(unused)} is declared but not used")
        for name, kind in declared.items():
            if kind.endswith("!") and given.get(name) is None:
                raise RefusedError(f"Variable ${name} of type {kind} was provided invalid value")
        for name, value in given.items():
            kind = declared.get(name, "").rstrip("!")
            wanted = _SCALARS.get(kind, str)
            if kind and value is not None and not isinstance(value, wanted):
                raise RefusedError(f"Variable ${name} of type {kind} was provided invalid value")

    def _field(self, kind: str, name: str) -> dict[str, Any]:
        found = self._schema["types"][kind].get(name)
        if found is None or _number(found.get("since", "0.0")) > _number(self.milestone):
            raise RefusedError(
                f"Field '{name}' doesn't exist on type '{kind}'",
                code="undefinedField",
                typeName=kind,
                fieldName=name,
            )
        return dict(found)

    def _cost(self, kind: str, one: Selection, variables: Mapping[str, Any], depth: int) -> int:
        """Check a field, and count it as GitLab does: one per cent more for each of a page."""
        if depth > self._schema["limits"]["depth"]:
            raise RefusedError("Query has too great a depth")
        about = self._field(kind, one.name)
        known = {**about.get("args", {}), **(_PAGE if "connection" in about else {})}
        for name in one.arguments:
            if name not in known:
                raise RefusedError(
                    f"Field '{one.name}' doesn't accept argument '{name}'",
                    code="argumentNotAccepted",
                )
        for name, wanted in known.items():
            if wanted.endswith("!") and name not in one.arguments:
                raise RefusedError(f"Field '{one.name}' is missing required arguments: {name}")
        if "connection" in about:
            inside = self._connection_cost(about, one, variables, depth)
            size = min(_given(one, variables).get("first") or 100, about.get("max_page_size", 100))
            cost = inside + (1 + bool(about.get("sorted")))
            return int(cost + cost * size * 0.01)
        named = about["type"].strip("[]!")
        is_object = named in self._schema["types"]
        if is_object != bool(one.inside):
            raise RefusedError(
                f"Field '{one.name}' must {'' if is_object else 'not '}have selections"
            )
        return 1 + sum(self._cost(named, each, variables, depth + 1) for each in one.inside)

    def _connection_cost(
        self, about: Mapping[str, Any], one: Selection, variables: Mapping[str, Any], depth: int
    ) -> int:
        cost = 0
        for each in one.inside:
            cost += 1
            if each.name == "nodes":
                node = about["connection"].rstrip("!")
                cost += sum(self._cost(node, e, variables, depth + 2) for e in each.inside)
            elif each.name == "pageInfo":
                cost += len(each.inside)
            else:
                raise RefusedError(f"Field '{each.name}' doesn't exist", code="undefinedField")
        return cost

    def _object(
        self,
        kind: str,
        of: Any,
        asked: list[Selection],
        run: _Run,
        path: list[Any],
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in asked:
            about, here = self._field(kind, one.name), [*path, one.alias]
            try:
                given = _given(one, run.variables)
                value = run.resolve(run.asker, kind, of, one.name, given)
            except FieldError as error:
                run.errors.append({"message": str(error), "path": here})
                found[one.alias] = None
                continue
            if value is not None and "connection" in about:
                found[one.alias] = self._page(about, value, one, run, here)
                continue
            named = about.get("type", "").rstrip("!")
            if value is None:
                assert not about.get("type", "").endswith("!"), f"{kind}.{one.name} is null"
                found[one.alias] = None
            elif named in self._schema["types"]:
                found[one.alias] = self._object(named, value, one.inside, run, here)
            else:
                self._check_scalar(named, value, f"{kind}.{one.name}")
                found[one.alias] = value
        return found

    def _check_scalar(self, named: str, value: Any, where: str) -> None:
        if named in self._schema["enums"]:
            assert value in self._schema["enums"][named], f"{where} is {value!r}"
        else:
            assert isinstance(value, _SCALARS[named]), f"{where} is {value!r}, no {named}"
            assert named != "Int" or not isinstance(value, bool)

    def _page(
        self,
        about: Mapping[str, Any],
        value: list[tuple[str, Any]],
        one: Selection,
        run: _Run,
        path: list[Any],
    ) -> dict[str, Any]:
        given = _given(one, run.variables)
        # More than the largest page is cut to it, without a word.
        size = min(given.get("first") or 100, about.get("max_page_size", 100))
        start = 0
        if given.get("after") is not None:
            cursors = [cursor for cursor, _ in value]
            if given["after"] not in cursors:
                run.errors.append({"message": "Please provide a valid cursor", "path": path})
                return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}
            start = cursors.index(given["after"]) + 1
        page = value[start : start + size]
        node = about["connection"].rstrip("!")
        found: dict[str, Any] = {}
        for each in one.inside:
            if each.name == "nodes":
                found[each.alias] = [
                    self._object(node, of, each.inside, run, [*path, "nodes", n])
                    for n, (_, of) in enumerate(page)
                ]
            else:
                told = {
                    "hasNextPage": start + size < len(value),
                    "endCursor": page[-1][0] if page else None,
                }
                found[each.alias] = {inner.alias: told[inner.name] for inner in each.inside}
        return found


def cursor_of(number: int) -> str:
    """Give an opaque cursor."""
    return base64.b64encode(f'{{"id":"{number}"}}'.encode()).decode()


def _given(one: Selection, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: variables.get(value.name) if isinstance(value, Variable) else value
        for name, value in one.arguments.items()
    }


def _values(asked: list[Selection]) -> Iterator[Any]:
    for one in asked:
        yield from one.arguments.values()
        yield from _values(one.inside)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
