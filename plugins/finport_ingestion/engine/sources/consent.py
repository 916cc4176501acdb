"""A person's consent, once, that the client of a source may read (OAuth 2.0 device authorization)."""

from __future__ import annotations

from finport_ingestion.engine.auth.certificate import present_certificate
from finport_ingestion.engine.auth.oauth2_device import Device, DeviceOptions
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.sources.opening import access_of
from finport_ingestion.engine.step import StepContext


def device_of(context: StepContext) -> Device:
    """The source's way to ask for a consent; what comes of it is kept in the context's vault.

    Raises:
        ConfigError: The source authenticates in another way.
    """
    from finport_ingestion.engine.sources.web.signing import grant_of

    access = access_of(context)
    if not isinstance(access.auth, DeviceOptions):
        raise ConfigError(
            f"{access.source}: nobody has to agree: it does not authenticate by oauth2_device.",
            hint="'finport source check' tells whether its credentials are accepted",
        )
    tls = client_tls(access.protection, source=access.source)
    url = getattr(context.source.source, "url", None) or (access.connection.host if access.connection else None)
    grant = grant_of(access, base_url=url, tls=tls)
    present_certificate(grant, tls)
    return Device(access.auth, grant)
