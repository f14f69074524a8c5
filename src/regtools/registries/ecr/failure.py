"""What AWS refused, and what boto3 could not do, as our errors.

AWS's own words are not repeated: those on a wrong signature hold the session's token.
Codes: AWS's common errors and those of both services (AWS documentation, 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from regtools.errors import (
    DeniedError,
    NotFoundError,
    RateLimitedError,
    RegistryError,
    UnauthorizedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    kind: type[RegistryError]
    code: str
    summary: str
    """With ``{action}``, as IAM policies have it, and AWS's ``{status}`` and ``{code}``."""
    remedy: str


_ENDED: Final = _Refusal(
    kind=UnauthorizedError,
    code="AWS_CREDENTIALS_EXPIRED",
    summary="The AWS credentials have ended.",
    remedy="Sign in again: `aws sso login`, or new keys from whoever issues them.",
)
_UNKNOWN: Final = _Refusal(
    kind=UnauthorizedError,
    code="AWS_CREDENTIALS_REFUSED",
    summary="AWS does not accept the credentials: {code}.",
    remedy="Check the access key and its secret, the profile, and this machine's clock: a "
    "signature holds for minutes.",
)
_DENIED: Final = _Refusal(
    kind=DeniedError,
    code="AWS_ACCESS_DENIED",
    summary="AWS does not allow {action}.",
    remedy="Allow {action} in a policy of the user or role; the registry's page in the "
    "documentation has the smallest one.",
)
_THROTTLED: Final = _Refusal(
    kind=RateLimitedError,
    code="RATE_LIMITED",
    summary="AWS throttles {action}, and went on after several tries.",
    remedy="Wait and run again; what was already collected is kept.",
)
_NOT_FOUND: Final = _Refusal(
    kind=NotFoundError,
    code="NOT_FOUND",
    summary="AWS answered {action} with {code}.",
    remedy="Check account, region and name.",
)
_ILL: Final = _Refusal(
    kind=RegistryError,
    code="AWS_ERROR",
    summary="AWS answered {action} with {status} {code}.",
    remedy="Try again later; AWS's health page tells of disturbances.",
)
_REFUSALS: Final = {
    "ExpiredToken": _ENDED,
    "ExpiredTokenException": _ENDED,
    "RequestExpired": _ENDED,
    "UnrecognizedClientException": _UNKNOWN,
    "InvalidClientTokenId": _UNKNOWN,
    "InvalidSignatureException": _UNKNOWN,
    "SignatureDoesNotMatch": _UNKNOWN,
    "IncompleteSignature": _UNKNOWN,
    "MissingAuthenticationToken": _UNKNOWN,
    "MissingAuthenticationTokenException": _UNKNOWN,
    "AuthFailure": _UNKNOWN,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "OptInRequired": _DENIED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "RepositoryNotFoundException": _NOT_FOUND,
    "LifecyclePolicyNotFoundException": _NOT_FOUND,
    "ImageNotFoundException": _NOT_FOUND,
}
_BY_STATUS: Final = {401: _UNKNOWN, 403: _DENIED, 404: _NOT_FOUND, 429: _THROTTLED}


def refusal(action: str, response: Mapping[str, Any]) -> RegistryError:
    """Say what AWS's error means.

    Parameters
    ----------
    action
        As IAM policies have it: ``ecr:DescribeImages``.
    response
        As botocore has read it.
    """
    code = ascii(response.get("Error", {}).get("Code", ""))[1:-1][:80]
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    meant = _REFUSALS.get(code) or _BY_STATUS.get(status, _ILL)
    return meant.kind(
        meant.summary.format(action=action, status=status, code=code or "an error"),
        method="POST",
        status=status,
        registry_codes=(code,),
        code=meant.code,
        remedy=meant.remedy.format(action=action),
    )


def failure(error: Exception, *, profile: str) -> RegistryError:
    """Say why nothing was asked: nearly always it is the credentials."""
    from botocore import exceptions as known

    whose = f" of the profile {profile!r}" if profile else ""
    if isinstance(error, known.ParamValidationError):
        return NotFoundError("AWS can have no repository of this name.")
    if isinstance(error, known.ProfileNotFound):
        summary = f"There is no AWS profile {profile!r}." if profile else "AWS_PROFILE names none."
    elif isinstance(error, known.NoCredentialsError):
        summary = f"There are no AWS credentials{whose} on this machine."
    elif isinstance(error, known.PartialCredentialsError):
        summary = f"A part of the AWS credentials{whose} is missing."
    elif isinstance(error, known.HTTPClientError):
        # Only the chain uses botocore's own wire: for SSO, roles and an instance's metadata.
        summary = f"Where the AWS credentials{whose} come from does not answer."
    else:
        summary = f"The AWS credentials{whose} cannot be used: {type(error).__name__}."
    return UnauthorizedError(
        summary,
        code="AWS_CREDENTIALS_MISSING",
        remedy="Check with `aws sts get-caller-identity`. Set AWS_PROFILE, or write "
        'password = "aws:PROFILE" into the registry\'s section of regtools.toml.',
    )
