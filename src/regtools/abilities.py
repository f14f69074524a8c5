"""From a registry's name to what it can do of the protocol."""

from __future__ import annotations

from httpx import AsyncClient

from regtools.access import Options, open_access, talk, with_kind_told, with_login
from regtools.client import Budget, Distribution, trust
from regtools.client.transport import environment_proxies, proxy_for
from regtools.collect.protocol import MAX_REQUESTS, Capabilities, measure
from regtools.settings import split_reference


def capabilities(image: str, *, options: Options | None = None) -> Capabilities:
    """Measure what a registry can do of the protocol, in at most thirty requests that only read.

    Parameters
    ----------
    image
        ``TARGET[/repository[:tag|@digest]]``; without a repository the catalog's first one is looked
        at, without a tag ``latest`` or the first one.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The registry's address or a setting cannot be used.
    UnreachableError, RegistryError
        Nothing answers, or no registry does, or it does not accept the credential.
    """
    options = options or Options()
    settings = options.settings()
    place, reference = split_reference(image, settings)
    access = with_login(open_access(place, settings, options), Budget())
    repository = "" if place in settings.registries else access.target.path

    async def work(distribution: Distribution, _: AsyncClient) -> Capabilities:
        ping = await distribution.ping()
        origin = distribution.exchange.origin
        has_proxy = proxy_for(origin, environment_proxies(access.connection)) is not None
        is_direct = access.connection.replay is None and not has_proxy
        seen, rows = await measure(
            distribution,
            ping,
            kind=with_kind_told(access, distribution).kind,
            repository=repository,
            reference=reference or "",
            trust=trust(access.connection.ca_file) if is_direct else None,
        )
        return Capabilities(
            target=image,
            registry=access.target.registry,
            repository=seen,
            rows=rows,
            requests=distribution.requests,
        )

    return talk(access, work, budget=Budget(MAX_REQUESTS), is_patient=False)
