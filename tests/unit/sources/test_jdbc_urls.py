"""What a JDBC url says of where it leads and how it is protected, and what has to be allowed."""

from __future__ import annotations

from typing import Any

import pytest

from finport_ingestion.engine.errors import AddressRefused, ConfigError
from finport_ingestion.engine.sources.jdbc import JdbcSource
from finport_ingestion.engine.sources.jvm.address import way_of
from tests.conformance.sources.access import access, connection

PROTECTED = [
    "jdbc:postgresql://localhost/books?sslmode=verify-full",
    "jdbc:postgresql://[::1]/books?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory",
    "jdbc:mysql://localhost:3307/books?sslMode=VERIFY_IDENTITY",
    "jdbc:mariadb://localhost/books?sslMode=verify-full",
    "jdbc:sqlserver://localhost:1433;databaseName=books;encrypt=strict",
    "jdbc:oracle:thin:@tcps://localhost:2484/books?ssl_server_dn_match=on",
    "jdbc:db2://localhost:50001/books:sslConnection=true;sslClientHostnameValidation=BASIC;",
    "jdbc:sap://localhost:30015/?encrypt=true&validateCertificate=true",
    "jdbc:trino://localhost:443/hive?SSL=true",
    "jdbc:snowflake://localhost/?db=books",
]
UNPROTECTED = [
    "jdbc:postgresql://localhost/books",
    "jdbc:postgresql://localhost/books?sslmode=require",
    "jdbc:postgresql://localhost/books?sslmode=verify-full&sslfactory=org.postgresql.ssl.NonValidatingFactory",
    "jdbc:mysql://localhost/books?sslMode=REQUIRED",
    "jdbc:mariadb://localhost/books?sslMode=verify-full&trustServerCertificate=true",
    "jdbc:sqlserver://localhost;encrypt=true;trustServerCertificate=true",
    "jdbc:oracle:thin:@localhost:1521/books",
    "jdbc:oracle:thin:@//localhost:1521/books",
    "jdbc:trino://localhost:443/hive?SSL=true&SSLVerification=NONE",
    "jdbc:h2:tcp://localhost/books",
    "jdbc:h2:ssl://localhost/books",
    "jdbc:hsqldb:hsql://localhost/books",
]
UNKNOWN = [
    "jdbc:example:whatever@localhost",
    "jdbc:postgresql://localhost,example.com/books?sslmode=verify-full",
    "jdbc:postgresql:books",
    "jdbc:h2:mem:books",
    "jdbc:h2:/var/lib/books",
    "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=tcps)(HOST=localhost)(PORT=2484)))",
]


def way(url: str, **protection: Any) -> tuple[str | None, bool]:
    found = way_of(url, access(connection("jdbc"), protection=protection))
    return found.host, bool(found.ips)


@pytest.mark.parametrize("url", PROTECTED)
def test_a_url_that_asks_for_verified_tls_is_taken_and_its_host_resolved(url: str) -> None:
    assert way(url) in (("localhost", True), ("::1", True))


@pytest.mark.parametrize("url", [*PROTECTED, *UNPROTECTED])
def test_a_host_that_is_not_public_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"'(localhost|::1)' is "):
        way(url, allow_private_network=False, allow_plaintext=True)


@pytest.mark.parametrize("url", UNPROTECTED)
def test_a_url_that_does_not_needs_the_documents_word(url: str) -> None:
    with pytest.raises(ConfigError, match=r"would travel without TLS.*security\.allowPlaintext"):
        way(url)
    assert way(url, allow_plaintext=True) == ("localhost", True)


@pytest.mark.parametrize("url", UNKNOWN)
def test_a_url_that_does_not_say_whereto_needs_both_words(url: str) -> None:
    with pytest.raises(AddressRefused, match="does not say plainly to which one host it leads"):
        way(url, allow_private_network=False, allow_plaintext=True)
    with pytest.raises(ConfigError, match="would travel without TLS"):
        way(url)
    assert way(url, allow_plaintext=True) == (None, False)


@pytest.mark.parametrize(
    "url", ["jdbc:postgresql://u:pl4nted@localhost/b?sslmode=verify-full", "jdbc:h2:tcp://localhost/b;PASSWORD=pl4nted"]
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="holds a password") as raised:
        way(url, allow_plaintext=True)
    assert "pl4nted" not in str(raised.value)


def test_what_is_no_jdbc_url_is_refused() -> None:
    with pytest.raises(ConfigError, match="no JDBC url"):
        way("postgresql://localhost/books")


@pytest.mark.parametrize(
    ("extra", "options", "match"),
    [
        ({}, {"driverClass": "a.B"}, "no jar of a driver"),
        ({"driver_path": "/nowhere/driver.jar"}, {"driverClass": "a.B"}, "there is no file /nowhere/driver.jar"),
        ({"driver_path": __file__}, {}, "no class of a driver"),
        (
            {"driver_path": __file__, "properties": {"sslMode": "DISABLED"}},
            {"driverClass": "a.B"},
            "properties hold 'sslMode'",
        ),
    ],
)
def test_what_is_missing_or_wrong_in_the_connection_is_named(
    extra: dict[str, Any], options: dict[str, Any], match: str
) -> None:
    stated = {"protocol": "jdbc", "table": "T", "url": PROTECTED[0], **options}
    source = JdbcSource(JdbcSource.Options.model_validate(stated), access(connection("jdbc", extra=extra)))
    with pytest.raises(ConfigError, match=match):
        source.check()
