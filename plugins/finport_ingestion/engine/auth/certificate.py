"""The client certificate of a connection: from files or from the connection itself, loaded again when it changes."""

from __future__ import annotations

import logging
import secrets
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request, Signer
from finport_ingestion.engine.errors import AccessDenied, ConfigError

log = logging.getLogger(__name__)

_SOON = timedelta(days=14)
Pems = tuple[bytes, bytes]
"""Certificate with its chain, and private key."""


def present_certificate(grant: Grant, tls: ssl.SSLContext) -> ClientCertificate | None:
    """Load the connection's client certificate, if it has one. Raises as `ClientCertificate.load_into`."""
    if not grant.connection or not {"client_cert_file", "client_certificate"} & set(grant.connection.extra):
        return None
    certificate = ClientCertificate(Credentials(grant), grant)
    certificate.load_into(tls)
    return certificate


class Presenting:
    """A signer beside whose credentials a client certificate is presented, loaded again whenever it changes."""

    def __init__(self, signer: Signer, certificate: ClientCertificate) -> None:
        self._signer = signer
        self._certificate = certificate

    def signed(self, request: Request) -> Request:
        self._certificate.refresh()
        return self._signer.signed(request)

    def renew(self, rejected: Request) -> bool:
        """Whether there is another certificate by now, in the files or in the connection, or other credentials."""
        changed = self._certificate.reload()
        return self._signer.renew(rejected) or changed


class ClientCertificate:
    """The certificate that the extra names: `client_cert_file` and `client_key_file`, or `client_certificate` (PEM)
    with the key (PEM) as password; a passphrase of the key is `client_key_passphrase`.
    """

    def __init__(self, credentials: Credentials, grant: Grant) -> None:
        self._credentials = credentials
        self._grant = grant
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._loaded: Pems | None = None
        self._seen: object = None

    def load_into(self, tls: ssl.SSLContext) -> None:
        """Present it on this context's connections from now on.

        Raises:
            ConfigError: There is none, it cannot be read, or its key does not fit.
            AccessDenied: It has expired, or is not valid yet.
        """
        self._tls = tls
        self._load()

    def refresh(self) -> bool:
        """Load it again if its files have changed since; whether they had. Connections that are open keep the old one.

        Raises as `load_into`.
        """
        with self._lock:
            if self._seen == self._stamp():
                return False
            return self._load()

    def reload(self) -> bool:
        """Read the connection and load it again; whether it is another one than before. Raises as `load_into`."""
        with self._lock:
            self._credentials.reread()
            return self._load()

    def _load(self) -> bool:
        """Whether it is another one than before."""
        self._seen = self._stamp()
        pems = self._pems()
        if pems == self._loaded or self._tls is None:
            return False
        self._check_time(pems[0])
        with _as_files(pems, self._credentials) as (certificate, key, passphrase):
            try:
                self._tls.load_cert_chain(certificate, key, passphrase)
            except ssl.SSLError as error:
                raise self._unusable(error.reason or "no key for it") from None
        self._loaded = pems
        return True

    def _pems(self) -> Pems:
        credentials = self._credentials
        certificate = credentials.file("client_cert_file")
        if certificate is None:
            key = credentials.password().encode()
            return credentials.needed("client_certificate").encode(), key
        # The key may stand behind the certificate in one file.
        return certificate, credentials.file("client_key_file") or certificate

    def _stamp(self) -> object:
        """What changes when the files do: a rotation writes new ones, or points a link at them."""
        paths = [self._credentials.stated(name) for name in ("client_cert_file", "client_key_file")]
        try:
            facts = [Path(path).stat() for path in paths if path]
        except OSError:
            return None
        return [(fact.st_mtime_ns, fact.st_ino, fact.st_size) for fact in facts]

    def _check_time(self, certificate: bytes) -> None:
        from cryptography import x509

        try:
            found = x509.load_pem_x509_certificate(certificate)
        except ValueError:
            raise self._unusable("it is no PEM certificate") from None
        now = self._grant.clock.now()
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise AccessDenied(
                f"{self._grant.source}: the client certificate of {self._credentials.place} is valid from"
                f" {_day(found.not_valid_before_utc)} to {_day(found.not_valid_after_utc)}.",
                hint="renew it; it is picked up without a restart",
            )
        if found.not_valid_after_utc - now < _SOON:
            day = _day(found.not_valid_after_utc)
            log.warning("%s: the client certificate of %s ends on %s", self._grant.source, self._credentials.place, day)

    def _unusable(self, why: str) -> ConfigError:
        return ConfigError(
            f"{self._grant.source}: the client certificate of {self._credentials.place} cannot be used ({why}).",
            hint="name PEM files of the certificate with its chain and of its key",
        )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


@contextmanager
def _as_files(pems: Pems, credentials: Credentials) -> Iterator[tuple[str, str, str]]:
    """The two as files, for OpenSSL takes nothing else; the key is locked with a random passphrase meanwhile."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    stated = credentials.stated("client_key_passphrase")
    try:
        key = load_pem_private_key(pems[1], stated.encode() if stated else None)
    except (ValueError, TypeError):
        raise ConfigError(
            f"{credentials.source}: the private key of {credentials.place}'s client certificate cannot be read.",
            hint="name a PEM file, or put the key into the password; its passphrase is client_key_passphrase",
        ) from None
    passphrase = secrets.token_hex(16)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    with tempfile.TemporaryDirectory(prefix="finport-tls-") as folder:
        certificate_file, key_file = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        certificate_file.write_bytes(pems[0])
        key_file.write_bytes(locked)
        yield str(certificate_file), str(key_file), passphrase
