"""The OCI distribution protocol, and nothing of any vendor."""

from __future__ import annotations

from regtools.client.distribution import Distribution, Ping
from regtools.client.transport import ConnectionOptions, classify_error, open_client

__all__ = ["ConnectionOptions", "Distribution", "Ping", "classify_error", "open_client"]
