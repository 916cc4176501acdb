"""A certificate authority of our own for the servers of one test run; nothing outside the tests trusts it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import trustme

LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of one server: its certificate with chain, and its private key (0600)."""

    certificate_path: Path
    key_path: Path


class PrivateCa:
    """Issues certificates into `folder`; clients verify with `ca_path`."""

    def __init__(self, folder: Path) -> None:
        import trustme  # brings the whole of cryptography

        self._authority: trustme.CA = trustme.CA(organization_name="FinPort tests")
        self._folder = folder
        self.ca_path: Path = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_path))

    def issue(
        self,
        name: str,
        *,
        identities: tuple[str, ...] = LOOPBACK,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        common_name: str | None = None,
    ) -> Certificate:
        """Write `<name>.pem` and `<name>.key.pem`, valid for the host names and addresses of `identities`.

        Args:
            not_before: Where it begins; some time ago by default.
            not_after: Where it ends; far away by default.
            common_name: Of its subject, by which some servers tell clients apart.
        """
        certificate = Certificate(
            certificate_path=self._folder / f"{name}.pem", key_path=self._folder / f"{name}.key.pem"
        )
        issued = self._authority.issue_cert(
            *identities, common_name=common_name, not_before=not_before, not_after=not_after
        )
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        certificate.certificate_path.write_bytes(chain)
        certificate.key_path.touch(mode=0o600)
        certificate.key_path.write_bytes(issued.private_key_pem.bytes())
        return certificate

    def server_context(self, *, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """TLS for a server on 127.0.0.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = minimum
        certificate = self.issue("loopback")
        context.load_cert_chain(certificate.certificate_path, certificate.key_path)
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS for a client that trusts this CA and no other."""
        return ssl.create_default_context(cafile=self.ca_path)


@pytest.fixture(scope="session")
def private_ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    """The CA of this test run."""
    return PrivateCa(tmp_path_factory.mktemp("private-ca"))
