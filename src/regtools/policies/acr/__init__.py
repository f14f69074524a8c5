"""Azure Container Registry's retention: ``acr purge``, and its policy for untagged manifests."""

from regtools.policies.acr.policy import AcrPolicy, is_acr, parse_acr

__all__ = ["AcrPolicy", "is_acr", "parse_acr"]
