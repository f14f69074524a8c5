"""A sample registry, the company that fills it, and its 18 months of history.

Beside the house: only the `demo` command, the sample history and tests use it.
"""

from __future__ import annotations

from regtools.demo.company import Company
from regtools.demo.history import default_history, past_snapshots, sample_history
from regtools.demo.live import live_snapshot
from regtools.demo.server import USERS, SampleRegistry

__all__ = [
    "USERS",
    "Company",
    "SampleRegistry",
    "default_history",
    "live_snapshot",
    "past_snapshots",
    "sample_history",
]
