"""OAuth 2.0 and OpenID Connect against Keycloak: each grant, and each way in which it is refused."""

from __future__ import annotations

import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from finport_ingestion.engine.auth.interface import Request
from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError, SourceUnavailable
from finport_ingestion.engine.state.state import State
from tests.conformance.auth.user import Place, User
from tests.conformance.sources.access import ManualClock, connection
from tests.services.certificates import PrivateCa
from tests.services.keycloak_person import agree, deny
from tests.services.keycloak_realm import ASSERTION_ISSUER, CLIENT_NAME
from tests.services.keycloak_server import KeycloakServer

pytestmark = pytest.mark.timeout(290)


@pytest.fixture
def place(keycloak: KeycloakServer) -> Place:
    """Where Keycloak is trusted."""
    return Place(ca_file=keycloak.ca_path)


def client(name: str, *, secret: str | None = None, **extra: Any) -> ConnectionSpec:
    return connection("finport_http", login=name, extra=extra, **({"secret": secret} if secret is not None else {}))


def subject(keycloak: KeycloakServer, user: User) -> str:
    """Whose token it is, as the server says."""
    reply = user.ask(keycloak.userinfo_url)
    assert reply.status == HTTPStatus.OK
    return reply.body.decode()


def options(keycloak: KeycloakServer, method: str = "oauth2_client_credentials", **stated: Any) -> dict[str, Any]:
    return {"method": method, "issuer": keycloak.issuer, "scopes": ["openid"], **stated}


@pytest.mark.parametrize("proof", ["basic", "post"])
def test_a_client_with_a_secret_gets_a_token(keycloak: KeycloakServer, place: Place, proof: str) -> None:
    user = place.user(client("svc"), options(keycloak, clientAuthentication=proof))
    assert "service-account-svc" in subject(keycloak, user)


def test_the_token_url_may_be_stated_instead_of_the_issuer(keycloak: KeycloakServer, place: Place) -> None:
    stated = {"method": "oauth2_client_credentials", "tokenUrl": keycloak.token_url, "scopes": ["openid"]}
    assert "service-account-svc" in subject(keycloak, place.user(client("svc"), stated))


def test_a_client_proves_itself_by_its_private_key(keycloak: KeycloakServer, place: Place) -> None:
    stated = options(keycloak, clientAuthentication="private_key_jwt")
    by_file = place.user(client("jwt", secret="", private_key_file=str(keycloak.key_path)), stated)
    assert "service-account-jwt" in subject(keycloak, by_file)
    on_one_line = keycloak.key_path.read_text().replace("\n", "\\n")
    assert "service-account-jwt" in subject(keycloak, place.user(client("jwt", secret=on_one_line), stated))


def test_a_strangers_private_key_is_refused(keycloak: KeycloakServer, place: Place) -> None:
    key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    user = place.user(client("jwt", secret=key), options(keycloak, clientAuthentication="private_key_jwt"))
    with pytest.raises(AccessDenied, match=r"40[01] \((invalid|unauthorized)_client\)"):
        user.ask(keycloak.userinfo_url)


def test_a_client_proves_itself_by_its_certificate(
    keycloak: KeycloakServer, place: Place, private_ca: PrivateCa
) -> None:
    issued = private_ca.issue("client-of-keycloak", identities=("finport.test",), common_name=CLIENT_NAME)
    extra = {"client_cert_file": str(issued.certificate_path), "client_key_file": str(issued.key_path)}
    stated = options(keycloak, clientAuthentication="tls")
    assert "service-account-tls" in subject(keycloak, place.user(client("tls", secret="", **extra), stated))


def test_a_client_without_the_right_certificate_is_refused(
    keycloak: KeycloakServer, place: Place, private_ca: PrivateCa
) -> None:
    issued = private_ca.issue("another-client", identities=("finport.test",), common_name="somebody-else")
    extra = {"client_cert_file": str(issued.certificate_path), "client_key_file": str(issued.key_path)}
    user = place.user(client("tls", secret="", **extra), options(keycloak, clientAuthentication="tls"))
    with pytest.raises(AccessDenied):
        user.ask(keycloak.userinfo_url)


def test_a_wrong_secret_is_refused(keycloak: KeycloakServer, place: Place) -> None:
    user = place.user(client("svc", secret="wr0ng"), options(keycloak))
    with pytest.raises(AccessDenied, match=r"401 \((invalid|unauthorized)_client\).*connection 'planted'"):
        user.ask(keycloak.userinfo_url)


def test_a_scope_that_the_client_has_not_is_refused(keycloak: KeycloakServer, place: Place) -> None:
    with pytest.raises(AccessDenied, match="scopes that the client has been given"):
        place.user(client("svc"), options(keycloak, scopes=["nothing-like-it"])).ask(keycloak.userinfo_url)


def test_a_revoked_token_is_replaced(keycloak: KeycloakServer, place: Place) -> None:
    user = place.user(client("svc"), options(keycloak))
    subject(keycloak, user)
    keycloak.revoke(user.token)
    assert "service-account-svc" in subject(keycloak, user)


def test_a_token_that_ended_is_replaced_however_our_clock_stands(keycloak: KeycloakServer, place: Place) -> None:
    place.clock = ManualClock(datetime.now(UTC))
    user = place.user(client("brief"), options(keycloak))
    first = user.token
    time.sleep(2)  # of the server's time, while ours stands still
    assert "service-account-brief" in subject(keycloak, user)
    assert user.token != first


def test_an_issuer_that_names_itself_otherwise_is_refused(keycloak: KeycloakServer, place: Place) -> None:
    alias = keycloak.issuer.replace("127.0.0.1", "localhost").replace("/realms/", "//realms/")
    with pytest.raises(ConfigError, match=r"issuer|metadata"):
        place.user(client("svc"), options(keycloak, issuer=alias)).ask(keycloak.userinfo_url)
    with pytest.raises(ConfigError, match=r"no metadata .*404"):
        place.user(client("svc"), options(keycloak, issuer=f"{keycloak.url}/realms/nobody")).ask(keycloak.userinfo_url)


def test_a_refresh_token_is_followed_through_its_successors(keycloak: KeycloakServer, place: Place) -> None:
    first = keycloak.first_refresh_token()
    place.clock, place.seconds = ManualClock(datetime.now(UTC)), 100_000
    user = place.user(client("people", refresh_token=first), options(keycloak, "oauth2_refresh_token", scopes=[]))
    used = set()
    for _ in range(3):
        used.add(user.token)
        place.clock.sleep(600)
    # Another process begins with the connection as well, and finds the newest one: the first is long used up.
    another = place.user(client("people", refresh_token=first), options(keycloak, "oauth2_refresh_token", scopes=[]))
    used.add(another.token)
    assert len(used) == 4


def test_a_refresh_token_that_was_used_up_elsewhere_is_refused_until_the_connection_holds_a_new_one(
    keycloak: KeycloakServer, place: Place
) -> None:
    first = keycloak.first_refresh_token()
    stated = options(keycloak, "oauth2_refresh_token", scopes=[])
    assert place.user(client("people", refresh_token=first), stated).token
    elsewhere = Place(ca_file=keycloak.ca_path)
    with pytest.raises(AccessDenied, match="invalid_grant"):
        elsewhere.user(client("people", refresh_token=first), stated).ask(keycloak.userinfo_url)
    fresh = keycloak.first_refresh_token()
    assert elsewhere.user(client("people", refresh_token=fresh), stated).token
    # In the first place the successors of the first one are kept; the new one begins anew there, too.
    newest = keycloak.first_refresh_token()
    assert place.user(client("people", refresh_token=newest), stated).token


def test_the_newest_refresh_token_is_found_in_the_state_database_and_cannot_be_read_there(
    keycloak: KeycloakServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    State(url, SystemClock()).upgrade()
    spec = client("people", refresh_token=keycloak.first_refresh_token())
    stated = options(keycloak, "oauth2_refresh_token", scopes=[])
    tokens: list[str] = []
    for _ in range(3):
        # As a process of its own has it: nothing is shared but the database.
        place = Place(ca_file=keycloak.ca_path, vault=State(url, SystemClock()).tokens)
        user = place.user(spec, stated)
        before = user.token
        assert before in tokens or not tokens
        user.signer.renew(Request(method="GET", url="https://api", headers={"Authorization": f"Bearer {before}"}))
        tokens.append(user.token)
    assert len(set(tokens)) == 3
    content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert not any(part in content for part in (b"eyJ", keycloak.secret.encode(), b"openid-connect"))


def test_an_assertion_of_ours_is_exchanged_for_a_token(keycloak: KeycloakServer, place: Place) -> None:
    user = place.user(_asserting(keycloak), _assertion(keycloak))
    assert "alice" in subject(keycloak, user)


def test_an_assertion_for_somebody_unknown_or_of_another_time_is_refused(
    keycloak: KeycloakServer, place: Place
) -> None:
    with pytest.raises(AccessDenied, match="invalid_grant"):
        place.user(_asserting(keycloak), _assertion(keycloak, subject="nobody-there")).ask(keycloak.userinfo_url)
    slow = Place(ca_file=keycloak.ca_path, clock=ManualClock(datetime.now(UTC) - timedelta(hours=1)))
    with pytest.raises(AccessDenied, match="invalid_grant"):
        slow.user(_asserting(keycloak), _assertion(keycloak)).ask(keycloak.userinfo_url)


def test_a_person_agrees_once_and_that_serves_from_then_on(keycloak: KeycloakServer, place: Place) -> None:
    stated = options(keycloak, "oauth2_device")
    user = place.user(client("people"), stated)
    code = user.method.begin()
    assert code.user_code in str(code.url_with_code)
    agree(keycloak, str(code.url_with_code))
    user.method.poll(code)
    assert "alice" in subject(keycloak, place.user(client("people"), stated))


def test_before_a_person_agreed_the_source_says_what_to_run(keycloak: KeycloakServer, place: Place) -> None:
    with pytest.raises(AccessDenied, match=r"nobody has agreed.*finport source authorize prices"):
        place.user(client("people"), options(keycloak, "oauth2_device")).ask(keycloak.userinfo_url)


def test_a_person_who_refuses_is_told(keycloak: KeycloakServer, place: Place) -> None:
    user = place.user(client("people"), options(keycloak, "oauth2_device"))
    code = user.method.begin()
    deny(keycloak, str(code.url_with_code))
    with pytest.raises(AccessDenied, match="access_denied"):
        user.method.poll(code)


def test_a_token_server_that_is_down_is_tried_later(keycloak: KeycloakServer, place: Place) -> None:
    port = urllib.parse.urlsplit(keycloak.url).port
    away = keycloak.token_url.replace(f":{port}", ":9")
    stated = {"method": "oauth2_client_credentials", "tokenUrl": away}
    with pytest.raises(SourceUnavailable):
        place.user(client("svc"), stated).ask(keycloak.userinfo_url)


def _asserting(keycloak: KeycloakServer) -> ConnectionSpec:
    return client("people", private_key_file=str(keycloak.key_path))


def _assertion(keycloak: KeycloakServer, subject: str = "alice-there") -> dict[str, Any]:
    assertion = {"issuer": ASSERTION_ISSUER, "subject": subject, "audience": keycloak.issuer}
    return options(keycloak, "oauth2_jwt_bearer", clientAuthentication="basic", assertion=assertion)


def test_a_private_key_that_is_none_is_named(keycloak: KeycloakServer, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    user = place.user(
        client("jwt", private_key_file=str(file)), options(keycloak, clientAuthentication="private_key_jwt")
    )
    with pytest.raises(ConfigError, match="holds no private key for RS256"):
        user.ask(keycloak.userinfo_url)
