"""The identity provider as a document names it, and the certificates that its assertions are checked with."""

from __future__ import annotations

import re

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.model import Duration, Spec, parse_duration

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class IdentityProviderOptions(Spec):
    """Its certificate (PEM; several while it changes) is `idp_certificate` or `idp_certificate_file` in the extra."""

    url: str = Field(description="Its single sign-on address; login and password go to this server only.")
    issuer: str = Field(description="Its entity id, as it stands in its assertions.")
    clock_skew: Duration = Field(default=parse_duration("2m"), description="By how much its clock may differ.")


def certificates(credentials: Credentials) -> tuple[str, ...]:
    """The provider's certificates.

    Raises:
        ConfigError: The connection holds none, or the file cannot be read.
    """
    content = credentials.file("idp_certificate_file")
    text = content.decode("ascii", errors="replace") if content else credentials.needed("idp_certificate")
    return tuple(_CERTIFICATE.findall(text.replace("\\n", "\n")))
