"""One name for all sources with one credential at one provider; nobody reads the secret from it."""

from __future__ import annotations

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.resilience.credential import credential_key
from tests.conformance.sources.access import PLANTED_SECRET


def key(host: str = "https://api.vendor.example/v1", *, login: str | None = "bank", secret: str = "one") -> str:
    spec = ConnectionSpec(id="any", kind="finport_http", host=host, login=login, secret=lambda: secret)
    return credential_key(fallback="prices", url=None, connection=spec, login=spec)


def test_sources_with_the_same_login_and_secret_at_a_host_share_a_key() -> None:
    assert key() == key("https://API.vendor.example/v2/other")


def test_another_login_secret_or_host_is_another_key() -> None:
    assert len({key(), key(login="other"), key(secret="two"), key("https://other.example")}) == 4


def test_the_secret_does_not_stand_in_the_key() -> None:
    assert PLANTED_SECRET not in key(secret=PLANTED_SECRET)


def test_without_a_secret_it_is_the_host_and_the_connection() -> None:
    spec = ConnectionSpec(id="open_data", kind="finport_http", host="data.example")
    assert credential_key(fallback="prices", url=None, connection=spec, login=spec) == "data.example/open_data"


def test_without_a_connection_it_is_the_host_of_the_url_or_the_source() -> None:
    assert credential_key(fallback="x", url="https://data.example/a", connection=None, login=None) == "data.example"
    assert credential_key(fallback="prices", url=None, connection=None, login=None) == "prices"
