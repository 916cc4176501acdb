"""The TLS that every connection to a web server uses. Certificates are always checked; there is no switch."""

from __future__ import annotations

import ssl

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.interface import Access

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def client_tls(access: Access) -> ssl.SSLContext:
    """Trusts `ca_file` of the connection's extra and no other authority, or else those of this machine.

    Raises:
        ConfigError: The file is not there, or holds no certificates.
    """
    ca_file = access.connection.extra.get("ca_file") if access.connection else None
    try:
        context = ssl.create_default_context(cafile=ca_file or _bundled_authorities())
    except (OSError, ssl.SSLError) as error:
        connection_id = access.connection.id if access.connection else ""
        raise ConfigError(
            f"{access.source}: ca_file {ca_file} of connection '{connection_id}' cannot be used"
            f" ({error.strerror or 'it holds no certificates'}).",
            hint="name a PEM file that the worker can read",
        ) from error
    context.minimum_version = _VERSIONS[access.min_tls]
    return context


def _bundled_authorities() -> str | None:
    """certifi's list where the machine has none of its own, as in slim images; None where it has."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return None
    import certifi

    return certifi.where()
