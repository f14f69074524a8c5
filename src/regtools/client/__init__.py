"""The OCI distribution protocol, and nothing of any vendor."""

from __future__ import annotations

from regtools.client.api import RegistryApi, VendorSession
from regtools.client.auth import secrets_of
from regtools.client.distribution import Distribution, Ping
from regtools.client.failure import classify_error
from regtools.client.limit import Budget, RateLimit
from regtools.client.record import About, Recording, Replay
from regtools.client.transport import ConnectionOptions, open_client, proxy_for, trust

__all__ = [
    "About",
    "Budget",
    "ConnectionOptions",
    "Distribution",
    "Ping",
    "RateLimit",
    "Recording",
    "RegistryApi",
    "Replay",
    "VendorSession",
    "classify_error",
    "open_client",
    "proxy_for",
    "secrets_of",
    "trust",
]
