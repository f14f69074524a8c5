"""zot's retention: read from its configuration, decided and looked over."""

from regtools.policies.zot.policy import ZotPolicy, parse_zot
from regtools.policies.zot.rules import is_zot

__all__ = ["ZotPolicy", "is_zot", "parse_zot"]
