"""The TLS that every client uses. Certificates and host names are always checked; there is no switch."""

from __future__ import annotations

import ssl

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.network.protection import Protection

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def client_tls(protection: Protection, *, source: str) -> ssl.SSLContext:
    """Trusts the authorities of `ca_file` and no other, or else those of this machine.

    Raises:
        ConfigError: The file is not there, or holds no certificates.
    """
    try:
        context = ssl.create_default_context(cafile=protection.ca_file or _bundled_authorities())
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"{source}: ca_file {protection.ca_file} cannot be used ({error.strerror or 'it holds no certificates'}).",
            hint="name a PEM file that the worker can read, in the connection's extra or as security.caFile",
        ) from error
    context.minimum_version = _VERSIONS[protection.min_tls]
    return context


def _bundled_authorities() -> str | None:
    """certifi's list where the machine has none of its own, as in slim images; None where it has."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return None
    import certifi

    return certifi.where()
