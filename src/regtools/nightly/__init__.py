"""The run that nobody watches: scan, look, report, publish, tell; one line at the end.

    lock ─▶ scan and diagnose each registry ─▶ reports ─▶ publish ─▶ metrics ─▶ notify ─▶ tidy

A step that fails does not stop the next ones: what there is, is reported, and the end says what
was missing.
"""

from regtools.nightly.night import Night, Step
from regtools.nightly.run import run

__all__ = ["Night", "Step", "run"]
