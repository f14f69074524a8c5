"""`%load_ext regtools`, and then `%regtools COMMAND …`: the command line inside a notebook.

What a command would print as a table comes as a DataFrame, which the notebook shows and a name can
keep: ``found = %regtools usage --by tag``.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from regtools.cli import main, takes_option

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from regtools.markup import Html

_OWN_WORDS: Final = frozenset({"--json", "--csv", "--emit", "--watch", "--help", "-h"})
"""Who asks for one of these wants text."""
_NOT_HERE: Final = {
    "lab": "JupyterLab is open already: the notebooks lie in the list of files on the left.",
}


def register(shell: InteractiveShell) -> None:
    """Add the magic to a shell of IPython."""
    shell.magics_manager.register_function(regtools, magic_name="regtools")


def regtools(line: str) -> pd.DataFrame | Html | None:
    """Run any command of regtools, and give its rows as a DataFrame.

    Parameters
    ----------
    line
        As after `regtools` in a terminal: ``usage --by repository --top 10``. With ``--json``,
        ``--csv`` or ``--help`` the text is printed as it is.

    Returns
    -------
    DataFrame
        The rows; other values of the command's JSON document are in its `attrs`. A diagnosis
        comes as a table with its lights, and what has no rows is printed.
    """
    try:
        arguments = shlex.split(line)
    except ValueError as error:
        sys.stderr.write(f"This line cannot be read: {error}.\n")
        return None
    if arguments and arguments[0] in _NOT_HERE:
        sys.stdout.write(f"{_NOT_HERE[arguments[0]]}\n")
        return None
    as_frame = takes_option(arguments, "--json") and not _OWN_WORDS.intersection(arguments)
    printed = StringIO()
    with redirect_stdout(printed):
        _run([*arguments, "--json"] if as_frame else arguments)
    if not as_frame or not printed.getvalue():
        sys.stdout.write(printed.getvalue())
        return None
    return shown(json.loads(printed.getvalue()))


def _run(arguments: Sequence[str]) -> None:
    try:
        main(arguments)
    except SystemExit:
        # A finding, or an error that was told on stderr: a notebook goes on.
        return


def shown(document: Mapping[str, Any]) -> pd.DataFrame | Html:
    """Give the rows of a command's JSON document as a notebook shows them."""
    import pandas as pd

    lists = {
        name: value
        for name, value in document.items()
        if isinstance(value, list) and all(isinstance(row, dict) for row in value)
    }
    name = "rows" if "rows" in lists else max(lists, key=lambda one: len(lists[one]), default="")
    if name == "":
        return pd.DataFrame([document])
    frame = pd.DataFrame(lists[name])
    if name == "checks" and "root_cause" in document:
        from regtools.lights import diagnosis_table
        from regtools.markup import Html, component_style

        table = diagnosis_table(frame.astype({"ms": "float64"}))
        return Html(f"{component_style()}{table.markup}", table.text)
    frame.attrs = {key: value for key, value in document.items() if key != name}
    return frame
