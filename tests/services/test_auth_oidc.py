"""OAuth 2.0 against oidc-provider: signed client assertions of every algorithm, and the SAML bearer grant.

The grant is one of our own on that server (`oidc_server.mjs`): neither it nor Keycloak has one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.errors import AccessDenied
from tests.conformance.auth.user import Place
from tests.conformance.sources.access import ManualClock, connection
from tests.services.keycloak_realm import OTP_SECRET, SAML_SERVICE
from tests.services.keycloak_server import KeycloakServer
from tests.services.oidc_server import ALGORITHMS, TOKEN_SECONDS, OidcServer

pytestmark = pytest.mark.timeout(290)


@pytest.fixture
def place(oidc: OidcServer) -> Place:
    """Where both servers are trusted."""
    return Place(ca_file=oidc.ca_path)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_client_proves_itself_by_a_key_of_each_kind(oidc: OidcServer, place: Place, algorithm: str) -> None:
    spec = connection("finport_http", login="signing", extra={"private_key_file": str(oidc.keys[algorithm])})
    stated = {"clientAuthentication": "private_key_jwt", "algorithm": algorithm, "keyId": algorithm}
    user = place.user(spec, {"method": "oauth2_client_credentials", "issuer": oidc.issuer, **stated})
    assert json.loads(user.ask(oidc.prices_url).body) == {"client": "signing"}


def test_a_client_proves_itself_by_a_jwt_of_its_secret(oidc: OidcServer, place: Place) -> None:
    spec = connection("finport_http", login="sharing", secret=oidc.secret)
    stated = {"clientAuthentication": "client_secret_jwt", "issuer": oidc.issuer}
    user = place.user(spec, {"method": "oauth2_client_credentials", **stated})
    assert json.loads(user.ask(oidc.prices_url).body) == {"client": "sharing"}


def test_an_assertion_signed_by_a_clock_that_is_late_is_refused(oidc: OidcServer, place: Place) -> None:
    place.clock = ManualClock(datetime.now(UTC) - timedelta(hours=1))
    spec = connection("finport_http", login="signing", extra={"private_key_file": str(oidc.keys["ES256"])})
    stated = {"clientAuthentication": "private_key_jwt", "algorithm": "ES256", "issuer": oidc.issuer}
    with pytest.raises(AccessDenied, match="invalid_client"):
        place.user(spec, {"method": "oauth2_client_credentials", **stated}).ask(oidc.prices_url)


def test_a_short_token_is_renewed_ahead_of_its_end(oidc: OidcServer, place: Place) -> None:
    place.clock, place.seconds = ManualClock(datetime.now(UTC)), 1000
    spec = connection("finport_http", login="finport", secret=oidc.secret)
    user = place.user(spec, {"method": "oauth2_client_credentials", "issuer": oidc.issuer})
    first = user.token
    place.clock.sleep(TOKEN_SECONDS * 0.8)
    assert user.token == first
    place.clock.sleep(TOKEN_SECONDS * 0.15)
    assert user.token != first


@pytest.fixture
def vouching(keycloak: KeycloakServer) -> dict[str, Any]:
    """The assertion that Keycloak gives, for the service that oidc-provider is."""
    provider = {"url": keycloak.saml_url, "issuer": keycloak.issuer}
    return {"serviceProvider": SAML_SERVICE, "identityProvider": provider}


def saml(oidc: OidcServer, vouching: dict[str, Any], **stated: Any) -> dict[str, Any]:
    method = {"method": "oauth2_saml_bearer", "tokenUrl": oidc.token_url, "clientId": "vouched"}
    return {**method, "assertion": vouching, **stated}


@pytest.mark.parametrize("binding", ["ecp", "post"])
def test_a_saml_assertion_is_exchanged_for_a_token(
    oidc: OidcServer, keycloak: KeycloakServer, place: Place, vouching: dict[str, Any], binding: str
) -> None:
    spec = connection("finport_http", login="alice", extra={"idp_certificate": keycloak.certificate()})
    user = place.user(spec, saml(oidc, {**vouching, "binding": binding}))
    reply = user.ask(oidc.prices_url)
    assert (reply.status, json.loads(reply.body)) == (HTTPStatus.OK, {"client": "vouched", "subject": "alice"})


def test_a_second_factor_is_given_on_the_providers_page(
    oidc: OidcServer, keycloak: KeycloakServer, place: Place, vouching: dict[str, Any]
) -> None:
    extra = {"idp_certificate": keycloak.certificate(), "otp_secret": OTP_SECRET}
    spec = connection("finport_http", login="otto", extra=extra)
    user = place.user(spec, saml(oidc, {**vouching, "binding": "post", "otp": {}}))
    assert json.loads(user.ask(oidc.prices_url).body)["subject"] == "otto"


def test_a_wrong_password_at_the_identity_provider_is_refused(
    oidc: OidcServer, keycloak: KeycloakServer, place: Place, vouching: dict[str, Any]
) -> None:
    extra = {"idp_certificate": keycloak.certificate()}
    spec = connection("finport_http", login="alice", secret="wr0ng", extra=extra)
    with pytest.raises(AccessDenied, match=r"401|refused"):
        place.user(spec, saml(oidc, vouching)).ask(oidc.prices_url)


def test_an_assertion_made_out_to_another_address_is_refused_by_the_token_server(
    oidc: OidcServer, keycloak: KeycloakServer, place: Place, vouching: dict[str, Any]
) -> None:
    spec = connection("finport_http", login="alice", extra={"idp_certificate": keycloak.certificate()})
    elsewhere = {**vouching, "recipient": "https://127.0.0.1:1/token"}
    with pytest.raises(AccessDenied, match=r"400 \(invalid_grant\)"):
        place.user(spec, saml(oidc, elsewhere)).ask(oidc.prices_url)
