"""SAML single sign-on at Keycloak: login page, second factor, session; and responses of it that were tampered with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.auth.sso.assertion import Expected, verified
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import ManualClock, connection
from tests.services.keycloak_realm import OTP_SECRET, SAML_SERVICE
from tests.services.keycloak_server import KeycloakServer
from tests.services.saml_service import SamlService
from tests.services.web import WebServer

pytestmark = pytest.mark.timeout(290)


@pytest.fixture
def service(web_server: WebServer, keycloak: KeycloakServer) -> SamlService:
    """A service that trusts Keycloak."""
    return SamlService(web_server, name=SAML_SERVICE, provider=keycloak.saml_url)


@pytest.fixture
def place(keycloak: KeycloakServer, web_server: WebServer) -> Place:
    """Where both are trusted."""
    return Place(ca_file=keycloak.ca_path, base_url=web_server.url())


def spec(keycloak: KeycloakServer, login: str = "alice", **extra: Any) -> ConnectionSpec:
    return connection("finport_http", login=login, extra={"idp_certificate": keycloak.certificate(), **extra})


def options(keycloak: KeycloakServer, **stated: Any) -> dict[str, Any]:
    provider = {"url": keycloak.saml_url, "issuer": keycloak.issuer}
    return {
        "method": "saml",
        "startUrl": "/login",
        "serviceProvider": SAML_SERVICE,
        "identityProvider": provider,
        **stated,
    }


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_login_gives_a_session_that_all_requests_share(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place, binding: str
) -> None:
    service.binding = binding
    for _ in range(2):
        user = place.user(spec(keycloak), options(keycloak))
        assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert service.logins == 1
    service.end_sessions()
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert service.logins == 2


def test_a_second_factor_is_typed_in_when_it_is_asked_for(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    user = place.user(spec(keycloak, "otto", otp_secret=OTP_SECRET), options(keycloak, otp={}))
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK


def test_a_second_factor_that_is_not_configured_is_named(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    with pytest.raises(AccessDenied, match=r"a code of a second factor is wanted.*'otp'"):
        place.user(spec(keycloak, "otto"), options(keycloak)).ask(web_server.url("/prices"))


def test_a_wrong_password_is_typed_once(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    extra = {"idp_certificate": keycloak.certificate()}
    wrong = connection("finport_http", login="alice", secret="wr0ng", extra=extra)
    with pytest.raises(AccessDenied, match="the login or password is refused"):
        place.user(wrong, options(keycloak)).ask(web_server.url("/prices"))
    assert service.responses == []


def test_a_rotated_password_is_read_once_more(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    rotating = Rotating(login="alice", secret="the old one", extra={"idp_certificate": keycloak.certificate()})
    user = place.user(rotating.spec(), options(keycloak))
    rotating.set(secret=keycloak.secret)
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK


def test_the_password_is_typed_into_no_other_servers_page(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    elsewhere = {"url": "https://idp.client.example/sso", "issuer": keycloak.issuer}
    with pytest.raises(AccessDenied, match=r"leads to another server|not the identity provider's page"):
        place.user(spec(keycloak), options(keycloak, identityProvider=elsewhere)).ask(web_server.url("/prices"))
    assert service.responses == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"serviceProvider": "https://another.service"}, "meant for another service"),
        ({"identityProvider": {"issuer": "https://another.issuer"}}, "of another issuer"),
    ],
)
def test_an_assertion_that_is_not_what_the_document_says_goes_nowhere(
    web_server: WebServer,
    keycloak: KeycloakServer,
    service: SamlService,
    place: Place,
    changed: dict[str, Any],
    reason: str,
) -> None:
    stated = options(keycloak)
    stated |= {name: {**stated[name], **to} if isinstance(to, dict) else to for name, to in changed.items()}
    with pytest.raises(AccessDenied, match=reason):
        place.user(spec(keycloak), stated).ask(web_server.url("/prices"))
    assert service.responses == []


def test_a_certificate_that_is_not_the_providers_is_refused(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    strangers = spec(keycloak, idp_certificate=keycloak.ca_path.read_text())
    with pytest.raises(AccessDenied, match="its signature is not the identity provider's"):
        place.user(strangers, options(keycloak)).ask(web_server.url("/prices"))
    assert service.responses == []


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_wrong_by_hours_is_noticed(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place, hours: int
) -> None:
    place.clock = ManualClock(datetime.now(UTC) + timedelta(hours=hours))
    with pytest.raises(AccessDenied, match=r"compare the clocks|not the identity provider's"):
        place.user(spec(keycloak), options(keycloak)).ask(web_server.url("/prices"))


def test_what_keycloak_signed_is_accepted_as_it_is_and_not_otherwise(
    web_server: WebServer, keycloak: KeycloakServer, service: SamlService, place: Place
) -> None:
    place.user(spec(keycloak), options(keycloak)).ask(web_server.url("/prices"))
    response = service.responses[-1]
    expected = Expected(
        what="test",
        certificates=(keycloak.certificate(),),
        issuer=keycloak.issuer,
        audience=SAML_SERVICE,
        recipient=web_server.url("/acs"),
        request_id=response.split(b'InResponseTo="')[1].split(b'"')[0].decode(),
        now=datetime.now(UTC),
    )
    assert verified(response, expected).subject == "alice"
    for before, after in [(b">alice<", b">admin<"), (b">alice<", b">alice<!-- -->x<"), (b"unspecified", b"persistent")]:
        assert before in response
        with pytest.raises(AccessDenied, match="refused"):
            verified(response.replace(before, after), expected)


def test_a_connection_without_the_providers_certificate_is_named(place: Place, keycloak: KeycloakServer) -> None:
    with pytest.raises(ConfigError, match="has no 'idp_certificate' in the extra"):
        place.user(connection("finport_http", login="alice"), options(keycloak))
