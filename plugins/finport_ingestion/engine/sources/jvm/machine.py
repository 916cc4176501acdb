"""The Java machine of this process, one JDBC session in it, and its errors. Only the child process imports this."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jpype

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.jvm.address import Way

paramstyle = "qmark"  # SQLAlchemy asks a driver's module for it, and for `Error`
_REFUSED = "jdk.tls.disabledAlgorithms"
_OLD_TLS = {"1.3": ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"), "1.2": ("SSLv3", "TLSv1", "TLSv1.1")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How the Java machine is started; once in the life of a process."""

    jars: Sequence[str]
    memory_bytes: int
    way: Way
    min_tls: str
    ca_file: str | None

    def start(self, folder: Path, *, source: str) -> None:
        """Start it; its names resolve to the checked addresses and no others, its TLS is no older than allowed.

        Args:
            folder: For what it reads while it runs.

        Raises:
            ConfigError: There is no Java, or `ca_file` cannot be used.
        """
        try:
            jpype.startJVM(*self._arguments(folder), classpath=list(self.jars), convertStrings=True)
        except jpype.JVMNotFoundException as error:
            raise ConfigError(
                f"{source}: there is no Java on this worker.", hint="install a Java runtime (JRE 11 or later)"
            ) from error
        security = jpype.JClass("java.security.Security")
        refused = [str(security.getProperty(_REFUSED)), *_OLD_TLS[self.min_tls]]
        security.setProperty(_REFUSED, ", ".join(refused))
        if self.ca_file:
            _trust(self.ca_file, folder, source=source)

    def _arguments(self, folder: Path) -> list[str]:
        arguments = [
            "-Xrs",  # signals belong to Python
            f"-Xmx{self.memory_bytes // 1024}k",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            # A moment without a zone passes through Java's wall time: in UTC no hour is missing or twice.
            "-Duser.timezone=UTC",
            "-Duser.language=en",
            "-Dfile.encoding=UTF-8",
        ]
        if self.way.host is not None:
            hosts = folder / "hosts"
            lines = [f"{ip} {self.way.host}" for ip in self.way.ips]
            # Drivers ask for the name of their own machine.
            hosts.write_text("\n".join([*lines, f"127.0.0.1 {socket.gethostname()}", ""]))
            arguments.append(f"-Djdk.net.hosts.file={hosts}")
        return arguments


def _trust(ca_file: str, folder: Path, *, source: str) -> None:
    """The authorities of a PEM file instead of Java's own."""
    store = jpype.JClass("java.security.KeyStore").getInstance("PKCS12")
    store.load(None, None)
    factory = jpype.JClass("java.security.cert.CertificateFactory").getInstance("X.509")
    try:
        with Path(ca_file).open("rb") as file:
            stream = jpype.JClass("java.io.ByteArrayInputStream")(file.read())
        for number, certificate in enumerate(factory.generateCertificates(stream)):
            store.setCertificateEntry(f"authority-{number}", certificate)
    except (OSError, jpype.JException) as error:
        raise ConfigError(
            f"{source}: ca_file {ca_file} cannot be used.", hint="name a PEM file that the worker can read"
        ) from error
    path = folder / "authorities.p12"
    password = jpype.JString("authorities").toCharArray()
    out = jpype.JClass("java.io.FileOutputStream")(str(path))
    store.store(out, password)
    out.close()
    system = jpype.JClass("java.lang.System")
    for key, value in (("", str(path)), ("Type", "PKCS12"), ("Password", "authorities")):
        system.setProperty(f"javax.net.ssl.trustStore{key}", value)


class Error(Exception):
    """What a driver raised: SQLSTATE, the vendor's number, and the names of its classes; its words are kept apart."""

    def __init__(self, error: Any) -> None:
        kinds, each = set(), error.getClass()
        while each is not None:
            kinds.add(str(each.getName()))
            each = each.getSuperclass()
        super().__init__("a JDBC error")
        self.kinds = frozenset(kinds)
        is_sql = "java.sql.SQLException" in kinds
        self.state = str(error.getSQLState() or "") if is_sql else ""
        self.number = int(error.getErrorCode()) if is_sql else 0
        self.words = str(error.getMessage() or "")
