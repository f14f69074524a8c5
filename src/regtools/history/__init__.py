"""The history of registries: snapshots on disk or in a bucket."""

from __future__ import annotations

from regtools.history.check import HistoryFinding
from regtools.history.draft import Draft
from regtools.history.store import History

__all__ = ["Draft", "History", "HistoryFinding"]
