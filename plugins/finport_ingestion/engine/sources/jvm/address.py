"""What a JDBC url says of where it leads and how it is protected; what it does not say has to be allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from finport_ingestion.engine.errors import AddressRefused, ConfigError
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.sources.interface import Access

_HOST = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:;?,@\[\]\s]+)(?::(?P<port>\d+))?(?=[/;?:]|$)"
_SECRET = re.compile(r"password=|pwd=|//[^/;?]*:[^/;?]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the urls of a driver look: behind `begins` stands the host; `verified` and `trusting` are about TLS."""

    begins: str
    port: int
    verified: str  # what a url says whose driver verifies certificate and host name
    trusting: str = r"(?!)"  # what turns that off again

    def host(self, url: str) -> tuple[str, int] | None:
        """Host and port; None where this is no such url, or one with several hosts or none."""
        match = re.match(self.begins + _HOST, url, re.IGNORECASE)
        return (match["host"].strip("[]"), int(match["port"] or self.port)) if match else None

    def is_protected(self, url: str) -> bool:
        said = re.search(self.verified, url, re.IGNORECASE) is not None
        return said and re.search(self.trusting, url, re.IGNORECASE) is None


_OTHER_FACTORY = r"sslfactory=(?!org\.postgresql\.ssl\.DefaultJavaSSLFactory\b)"
"""PostgreSQL's default asks a file for its authorities; the one that asks Java is as strict, and takes `ca_file`."""

SHAPES = (
    Shape(begins="jdbc:postgresql://", port=5432, verified="sslmode=verify-full", trusting=_OTHER_FACTORY),
    Shape(begins="jdbc:redshift(?::iam)?://", port=5439, verified="sslmode=verify-full", trusting="sslfactory="),
    Shape(begins="jdbc:mysql://", port=3306, verified="sslMode=VERIFY_IDENTITY"),
    Shape(begins="jdbc:mariadb://", port=3306, verified="sslMode=verify-full", trusting="trustServerCertificate=true"),
    Shape(
        begins="jdbc:sqlserver://",
        port=1433,
        verified="encrypt=(true|strict)",
        trusting="trustServerCertificate=true|hostNameInCertificate=",
    ),
    Shape(begins=r"jdbc:oracle:thin:@tcps://", port=1522, verified="ssl_server_dn_match=(true|on|yes)"),
    Shape(begins=r"jdbc:oracle:thin:@(?:tcp:)?(?://)?(?!\()(?!tcps:)", port=1521, verified=r"(?!)"),
    Shape(begins="jdbc:db2://", port=50000, verified="sslConnection=true.*sslClientHostnameValidation=BASIC"),
    Shape(begins="jdbc:sap://", port=30015, verified="encrypt=true.*validateCertificate=true"),
    Shape(begins="jdbc:trino://", port=443, verified="SSL=true", trusting="SSLVerification=(NONE|CA)"),
    Shape(begins="jdbc:snowflake://", port=443, verified="", trusting="ssl=off|insecureMode=true"),
    Shape(begins="jdbc:databricks://", port=443, verified="ssl=1", trusting="AllowSelfSignedCerts=1"),
    Shape(begins="jdbc:h2:ssl://", port=9092, verified=r"(?!)"),
    Shape(begins="jdbc:h2:tcp://", port=9092, verified=r"(?!)"),
    Shape(begins="jdbc:hsqldb:hsqls://", port=554, verified=r"(?!)"),
    Shape(begins="jdbc:hsqldb:(?:hsql|https?)://", port=9001, verified=r"(?!)"),
)
"""Where nothing stands for `verified`, the driver encrypts without asking who the server is, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a url leads: the addresses that its name may have; None where nobody can say."""

    host: str | None
    ips: tuple[str, ...]


def way_of(url: str, access: Access) -> Way:
    """Check a url.

    Raises:
        ConfigError: It holds a password; or its way is not protected, or unknown, and the source does not allow that.
        AddressRefused: It leads to an address that the source may not reach, or nobody can say whereto.
        SourceUnavailable: Its name is not found.
    """
    if not url.startswith("jdbc:"):
        raise ConfigError(f"{access.source}: no JDBC url.", hint="begin it with 'jdbc:', as the driver's manual says")
    if _SECRET.search(url):
        raise ConfigError(
            f"{access.source}: the url holds a password.", hint="put login and password into the connection"
        )
    scheme = ":".join(url.split(":")[:2])
    shape, address = _known(url)
    what = f"{access.source}: {scheme}"
    if shape is None or address is None:
        _demand_private(access, scheme)
        access.protection.demand_tls(what=what, fix="name one host in a url of a known kind")
        return Way(host=None, ips=())
    if not shape.is_protected(url):
        access.protection.demand_tls(what=what, fix="let the url ask for TLS that verifies the host's name")
    host, port = address
    addresses = resolved(host, port, protection=access.protection, what=what)
    return Way(host=host, ips=tuple(each.ip for each in addresses))


def _demand_private(access: Access, scheme: str) -> None:
    if not access.protection.allow_private_network:
        raise AddressRefused(
            f"{access.source}: a url of {scheme} as stated does not say plainly to which one host it leads.",
            hint="name one host in a url of a known kind; or state security.allowPrivateNetwork",
        )


def _known(url: str) -> tuple[Shape | None, tuple[str, int] | None]:
    return next(((shape, found) for shape in SHAPES if (found := shape.host(url))), (None, None))
