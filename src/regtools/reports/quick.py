"""Load what papermill and nbconvert stand on without what takes them longest.

nbformat loads jsonschema, and that loads rfc3987_syntax where it is installed (Jupyter's server
brings it), which builds a grammar for three seconds of processor time at each start. It is for
checking the format ``iri`` only, which no notebook's schema asks for, and jsonschema does without
it where it is missing. jsonschema 4.26, rfc3987-syntax 1.1, measured 2026-11.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

SLOW: Final = "rfc3987_syntax"

if "jsonschema" not in sys.modules and SLOW not in sys.modules:
    # None: an import of it finds nothing (importlib's own convention).
    sys.modules[SLOW] = None  # type: ignore[assignment]
    try:
        import_module("jsonschema")
    finally:
        del sys.modules[SLOW]
