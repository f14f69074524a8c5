"""What a registry can do of the protocol: asked for, measured, and never by writing."""

from __future__ import annotations

from regtools.collect.protocol.capability import Capabilities, Capability
from regtools.collect.protocol.measure import MAX_REQUESTS, measure

__all__ = ["MAX_REQUESTS", "Capabilities", "Capability", "measure"]
