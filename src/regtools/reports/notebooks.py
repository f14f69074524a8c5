"""Where the notebooks are, which parameters they take, and what is asked of each."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Final

from regtools.errors import ConfigError, ReportError

Value = str | int | float | bool | None
"""What a parameter can be: papermill writes nothing else as a plain assignment."""

REPORTS: Final[Mapping[str, str]] = {
    "storage-growth": "Storage growth",
    "cost-comparison": "Cost comparison",
    "health": "Health",
    "retention": "Retention",
}
"""Name of each report and its title; the notebook's file is named alike, with underscores."""
EVERY_NIGHT: Final = ("storage-growth", "cost-comparison", "health")
"""What ``all`` makes: retention answers a rule that somebody has to choose, and is asked by name."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_FOLDERS: Final = (
    _PACKAGE / "_notebooks",  # in a wheel
    _PACKAGE.parents[1] / "notebooks",  # in a checkout, installed as editable
)
_OWN_NAME: Final = re.compile(r"\brt\.([A-Za-z]\w*)")  # they all `import regtools as rt`
# A secret in an address: in its userinfo, or a signature or token in its query.
_SECRET_IN_URL: Final = re.compile(
    r"://[^/?#\s]*:[^/?#\s]*@|[?&][^=&\s]*(?:token|secret|password|signature|sig|key)[^=&\s]*=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One notebook to run, with values for its parameters."""

    name: str
    notebook: Path
    parameters: Mapping[str, Value]
    """What was asked for."""
    defaults: Mapping[str, Value]
    """What the notebook takes where nothing was asked for."""

    @property
    def title(self) -> str:
        """The report's short title."""
        return REPORTS.get(self.name, self.name)

    def values(self) -> dict[str, Value]:
        """Give every parameter with the value it has in this run."""
        return {**self.defaults, **self.parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long parts of a run may take."""

    start_seconds: int = 60
    cell_seconds: int = 600
    notebook_seconds: float = 1800
    """For one notebook, from the start of its kernel to its end."""


def notebook_path(name: str) -> Path:
    """Find the notebook of a report, in the installed package or in the checkout.

    Raises
    ------
    ReportError
        It is in neither: the installation is broken.
    """
    file = f"{name.replace('-', '_')}.ipynb"
    for folder in _FOLDERS:
        if (folder / file).is_file():
            return folder / file
    raise ReportError(
        f"The notebook {file} is missing from this installation of regtools.",
        notebook=name,
        code="NOTEBOOK_MISSING",
        remedy="Install regtools again.",
    )


def parameters_of(notebook: Path) -> dict[str, Value]:
    """Read the plain assignments of the cell tagged ``parameters``.

    Parameters
    ----------
    notebook
        A notebook's file.

    Returns
    -------
    dict
        Name → default. The type of the default is the type of the parameter.
    """
    sources = [
        "".join(cell["source"])
        for cell in _cells(notebook)
        if "parameters" in cell["metadata"].get("tags", [])
    ]
    found: dict[str, Value] = {}
    for statement in ast.parse("\n".join(sources)).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found[statement.targets[0].id] = ast.literal_eval(statement.value)
    return found


def names_in(notebooks: Iterable[Path]) -> list[str]:
    """Give the names of regtools that the code of these notebooks uses, in order."""
    found = set()
    for notebook in notebooks:
        for cell in _cells(notebook):
            if cell["cell_type"] == "code":
                found.update(_OWN_NAME.findall("".join(cell["source"])))
    return sorted(found)


def _cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def prepare(names: Sequence[str], parameters: Mapping[str, Value]) -> list[Job]:
    """Give each report the parameters that its notebook knows, checked before anything runs.

    Raises
    ------
    ConfigError
        No chosen notebook has this parameter (code ``UNKNOWN_PARAMETER``), its value has the
        wrong type (``PARAMETER_TYPE``), or the value holds a secret (``SECRET_INLINE``).
    """
    notebooks = {name: notebook_path(name) for name in names}
    defaults = {name: parameters_of(path) for name, path in notebooks.items()}
    _refuse_unknown(parameters, defaults)
    for key, value in parameters.items():
        _refuse_secret(key, value)
    return [
        Job(
            name=name,
            notebook=notebooks[name],
            defaults=defaults[name],
            parameters={
                key: typed(key, value, defaults[name][key])
                for key, value in parameters.items()
                if key in defaults[name]
            },
        )
        for name in names
    ]


def _refuse_unknown(
    parameters: Mapping[str, Value], defaults: Mapping[str, Mapping[str, Value]]
) -> None:
    known = sorted({key for own in defaults.values() for key in own})
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigError(
            f"No parameter named {', '.join(unknown)} in {', '.join(defaults)}.",
            code="UNKNOWN_PARAMETER",
            remedy=f"Parameters are {', '.join(known)}.",
        )


def _refuse_secret(key: str, value: Value) -> None:
    # A parameter stands in the executed notebook, in the page and in the sidecar.
    # github.com/nteract/papermill/issues/706, open in 2026-11
    if isinstance(value, str) and _SECRET_IN_URL.search(value):
        raise ConfigError(
            f"The parameter {key} holds a password, a token or a signature.",
            code="SECRET_INLINE",
            remedy="A report shows its parameters: give the address without the secret.",
        )


def typed(key: str, value: Value, default: Value) -> Value:
    """Read a value as the type of the parameter's default; a default of None is for a number.

    Raises
    ------
    ConfigError
        It cannot be read so.

    Examples
    --------
    >>> typed("forecast_days", "30", 90), typed("egress_gb", 5, 1.5), typed("all", "no", True)
    (30, 5.0, False)
    """
    if type(value) is type(default):
        return value
    if default is None and value == "":
        return None
    reader = _READERS[type(default)]
    try:
        return reader(value)
    except (KeyError, TypeError, ValueError):
        raise ConfigError(
            f"The parameter {key} cannot be {value!r}.",
            code="PARAMETER_TYPE",
            remedy=f"Give {_TYPE_WORDS[type(default)]}.",
        ) from None


def _read_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("no whole number")
    return int(value)


def _read_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("no number")
    return float(value)


def _read_bool(value: Value) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
        str(value).lower()
    ]


def _read_text(value: Value) -> str:
    if isinstance(value, bool):
        raise TypeError("no text")
    return str(value)


_READERS: Final[Mapping[type, Callable[[Any], Value]]] = {
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    str: _read_text,
    NoneType: _read_float,
}
_TYPE_WORDS: Final = {
    int: "a whole number, such as 30",
    float: "a number, such as 0.5",
    bool: "yes or no",
    str: "text",
    NoneType: "a number, or nothing",
}
