"""Tokens that we sign ourselves, verified as a server would."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from finport_ingestion.engine.errors import ConfigError
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Request, json_reply

KEYS: dict[str, Key] = {
    "RS256": RSAKey.generate_key(2048),
    "PS512": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}


@pytest.fixture
def place(web_server: WebServer) -> Place:
    """Where the web server is trusted."""
    return Place(ca_file=web_server.ca_path, clock=ManualClock(datetime(2024, 1, 2, tzinfo=UTC)), seconds=10_000)


def pem(key: Key) -> str:
    return key.as_pem(private=True).decode()


def token_of(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_token_is_signed_by_each_kind_of_key(web_server: WebServer, place: Place, algorithm: str) -> None:
    web_server.add("/prices", json_reply([1]))
    stated = {"issuer": "finport", "audience": "https://api", "claims": {"plan": "gold", "level": 3}, "keyId": "2024"}
    user = place.user(
        connection("http", secret=pem(KEYS[algorithm])), {"method": "jwt", "algorithm": algorithm, **stated}
    )
    user.ask(web_server.url("/prices"))
    token = jwt.decode(token_of(web_server.requests[-1]), KEYS[algorithm], algorithms=[algorithm])
    assert token.header == {"typ": "JWT", "alg": algorithm, "kid": "2024"}
    issued = int(place.clock.now().timestamp())
    claims = {"iss": "finport", "aud": "https://api", "plan": "gold", "level": 3}
    assert token.claims == {**claims, "iat": issued - 10, "exp": issued + 300, "jti": token.claims["jti"]}


def test_a_shared_secret_signs_too(web_server: WebServer, place: Place) -> None:
    web_server.add("/prices", json_reply([1]))
    place.user(connection("http", login="finport"), {"method": "jwt", "algorithm": "HS256"}).ask(
        web_server.url("/prices")
    )
    token = jwt.decode(token_of(web_server.requests[-1]), OctKey.import_key(PLANTED_SECRET), algorithms=["HS256"])
    assert token.claims["iss"] == "finport"


def test_a_token_is_kept_until_shortly_before_its_end(web_server: WebServer, place: Place) -> None:
    web_server.add("/prices", json_reply([1]))
    user = place.user(connection("http", secret=pem(KEYS["ES256"])), {"method": "jwt", "algorithm": "ES256"})
    for seconds in (0, 239, 2):
        place.clock.sleep(seconds)
        user.ask(web_server.url("/prices"))
    first, second, third = [token_of(request) for request in web_server.requests]
    assert first == second
    assert third != first


def test_claims_of_the_request_make_a_token_for_it_alone(web_server: WebServer, place: Place) -> None:
    web_server.add("/*", json_reply([1]))
    options = {"method": "jwt", "algorithm": "ES256", "claims": {"uri": "{method} {host}{path}"}}
    user = place.user(connection("http", secret=pem(KEYS["ES256"])), options)
    for path in ("/a", "/b?c=1"):
        user.ask(web_server.url(path))
    claims = [jwt.decode(token_of(one), KEYS["ES256"]).claims["uri"] for one in web_server.requests]
    host = web_server.url().removeprefix("https://")
    assert claims == [f"GET {host}/a", f"GET {host}/b"]


def test_a_rotated_key_file_is_picked_up(web_server: WebServer, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(KEYS["RS256"]))

    def wanting(request: Request) -> Answer:
        try:
            jwt.decode(token_of(request), KEYS["PS512"], algorithms=["RS256"])
        except JoseError:
            return json_reply({}, status=HTTPStatus.UNAUTHORIZED)
        return json_reply([1])

    rotating = Rotating(login="finport", extra={"private_key_file": str(file)})
    user = place.user(rotating.spec(), {"method": "jwt"})
    web_server.add("/prices", wanting)
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.UNAUTHORIZED
    file.write_text(pem(KEYS["PS512"]))
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK


@pytest.mark.parametrize("secret", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_what_is_no_key_is_named_and_not_shown(place: Place, secret: str) -> None:
    user = place.user(connection("http", secret=secret), {"method": "jwt"})
    with pytest.raises(ConfigError, match="connection 'planted' holds no private key for RS256") as raised:
        user.ask("https://api.example")
    assert secret not in str(raised.value)


def test_a_public_key_is_no_private_one(place: Place) -> None:
    public = KEYS["RS256"].as_pem(private=False).decode()
    with pytest.raises(ConfigError, match="holds no private key"):
        place.user(connection("http", secret=public), {"method": "jwt"}).ask("https://api.example")


def test_a_locked_key_is_opened_by_its_passphrase(web_server: WebServer, place: Place) -> None:
    web_server.add("/prices", json_reply([1]))
    locked = KEYS["RS256"].as_pem(private=True, password=PLANTED_SECRET).decode()
    extra: dict[str, Any] = {"private_key_passphrase": PLANTED_SECRET}
    place.user(connection("http", secret=locked, extra=extra), {"method": "jwt"}).ask(web_server.url("/prices"))
    assert jwt.decode(token_of(web_server.requests[-1]), KEYS["RS256"]).claims["jti"]


def test_claims_name_only_parts_of_a_request() -> None:
    with pytest.raises(ValueError, match=r"claims know no \{secret\}"):
        Place().user(None, {"method": "jwt", "claims": {"uri": "{secret}"}})
