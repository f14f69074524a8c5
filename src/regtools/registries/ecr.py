"""Amazon Elastic Container Registry.

Lists by: ``_catalog`` with opaque absolute links, or the AWS API. Authenticates by: Basic, user
``AWS`` and a token of 12 hours. Dedup scope: the repository, unless blob mounting is switched on
(AWS documentation, 2026-11).
"""

from regtools.registries._base import RegistryKind

ECR = RegistryKind(
    name="ecr",
    title="Amazon ECR",
    dedup_scope="repository",
    hosts=(
        r"\d{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)",
        r"public\.ecr\.aws",
    ),
    authenticates="user AWS and the token of `aws ecr get-login-password`",
    lists="the catalog",
)
