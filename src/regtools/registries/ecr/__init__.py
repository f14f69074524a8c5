"""Amazon Elastic Container Registry: accounts' private registries, and the public one."""

from regtools.registries.ecr.private import ECR
from regtools.registries.ecr.public import ECR_PUBLIC

__all__ = ["ECR", "ECR_PUBLIC"]
