"""What a source demands of the way to it. Each weakening has a reason in the document and is audited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from finport_ingestion.engine.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The strictest by default. `proxy` may hold a password: it stands in no text of this object."""

    min_tls: Literal["1.2", "1.3"] = "1.3"
    allow_plaintext: bool = False  # protocols without TLS
    allow_private_network: bool = False  # loopback, link-local and private addresses
    ca_file: str | None = None  # trusted instead of the machine's authorities
    proxy: str | None = field(default=None, repr=False)  # http://[login:password@]host:port

    def demand_tls(self, *, what: str, fix: str) -> None:
        """Refuse a way without TLS, unless the document allows it.

        Args:
            what: Source and protocol, e.g. `prices: ftp to files.example.com`.
            fix: How the source is reached over TLS.

        Raises:
            ConfigError: It is not allowed.
        """
        if not self.allow_plaintext:
            raise ConfigError(
                f"{what} would travel without TLS.",
                hint=f"{fix}; or state security.allowPlaintext and why in allowPlaintextReason",
            )
