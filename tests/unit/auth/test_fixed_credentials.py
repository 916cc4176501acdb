"""HTTP Basic, API keys and bearer tokens, as a server sees them."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import Any

import pyotp
import pytest

from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.errors import AccessDenied, ConfigError, MissingConnection
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Request, error_reply, json_reply

OTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PROVIDER = {"url": "https://idp.example/sso", "issuer": "https://idp.example"}
NEEDED: dict[str, dict[str, Any]] = {
    "api_key": {"header": "X"},
    "aws_sigv4": {"service": "execute-api", "region": "eu-central-1"},
    "hmac": {"payload": "{body}", "signature": {"header": "X-Sign"}, "key": {"header": "X-Key"}},
    "oauth2_client_credentials": {"tokenUrl": "https://login.example/token"},
    "oauth2_device": {"tokenUrl": "https://login.example/token", "deviceUrl": "https://login.example/device"},
    "oauth2_jwt_bearer": {"tokenUrl": "https://login.example/token"},
    "oauth2_refresh_token": {"tokenUrl": "https://login.example/token"},
    "oauth2_saml_bearer": {
        "tokenUrl": "https://login.example/token",
        "assertion": {"serviceProvider": "https://login.example", "identityProvider": PROVIDER},
    },
    "saml": {
        "startUrl": "https://api.example/login",
        "serviceProvider": "https://api.example",
        "identityProvider": PROVIDER,
    },
    "session": {"loginUrl": "https://api.example/login"},
}


@pytest.fixture
def place(web_server: WebServer) -> Place:
    """Where the web server is trusted."""
    return Place(ca_file=web_server.ca_path, base_url=web_server.url())


def seen(server: WebServer, place: Place, spec: Any, options: dict[str, Any]) -> Request:
    """The request as it arrives."""
    server.add("/prices", json_reply([]))
    place.user(spec, options).ask(server.url("/prices?page=2"))
    return server.requests[-1]


def test_basic_sends_login_and_password(web_server: WebServer, place: Place) -> None:
    spec = connection("finport_http", login="jürgen")
    sent = seen(web_server, place, spec, {"method": "basic"}).headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"jürgen:{PLANTED_SECRET}"


def test_a_login_with_a_colon_is_refused(place: Place) -> None:
    with pytest.raises(ConfigError, match="no colon"):
        place.user(connection("http", login="a:b"), {"method": "basic"})


@pytest.mark.parametrize("otp", [{"header": "X-OTP"}, {"parameter": "otp"}, {"append": True}])
def test_basic_with_a_second_factor_sends_the_code_of_the_moment(
    web_server: WebServer, place: Place, otp: dict[str, Any]
) -> None:
    place.clock = ManualClock()
    code = pyotp.TOTP(OTP_SECRET).at(int(place.clock.now().timestamp()))
    spec = connection("http", login="finport", extra={"otp_secret": OTP_SECRET})
    request = seen(web_server, place, spec, {"method": "basic", "otp": otp})
    pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"finport:{PLANTED_SECRET}" + (code if "append" in otp else "")
    assert request.headers.get("x-otp") == (code if "header" in otp else None)
    assert request.parameter("otp") == (code if "parameter" in otp else "")


@pytest.mark.parametrize("secret", ["JBSWY3DPEHPK3PXP", "no base32!"])
def test_a_weak_secret_of_a_second_factor_is_refused(place: Place, secret: str) -> None:
    user = place.user(
        connection("http", login="finport", extra={"otp_secret": secret}), {"method": "basic", "otp": {"header": "X"}}
    )
    with pytest.raises(ConfigError, match="no base32 text of at least 112 bits") as raised:
        user.ask("https://api.example")
    assert secret not in str(raised.value)


@pytest.mark.parametrize("where", [{"header": "X-Api-Key"}, {"parameter": "apikey"}])
def test_a_key_is_sent_where_the_document_says(web_server: WebServer, place: Place, where: dict[str, Any]) -> None:
    request = seen(web_server, place, connection("http"), {"method": "api_key", **where})
    assert request.headers.get("x-api-key") == (PLANTED_SECRET if "header" in where else None)
    expected = {"page": ["2"]} | ({"apikey": [PLANTED_SECRET]} if "parameter" in where else {})
    assert request.query == expected


def test_a_key_may_have_a_word_before_it(web_server: WebServer, place: Place) -> None:
    options = {"method": "api_key", "header": "Authorization", "prefix": "Token "}
    assert seen(web_server, place, connection("http"), options).headers["authorization"] == f"Token {PLANTED_SECRET}"


@pytest.mark.parametrize(
    "options", [{"method": "basic"}, {"method": "api_key", "header": "Authorization"}, {"method": "bearer"}]
)
def test_a_rotated_secret_is_read_once_more(web_server: WebServer, place: Place, options: dict[str, Any]) -> None:
    rotating = Rotating(login="finport", secret="old")
    user = place.user(rotating.spec(), options)
    web_server.add("/prices", _wanting(web_server, options, "new"))
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.UNAUTHORIZED
    assert len(web_server.requests) == 1, "the connection holds nothing new: once is enough"
    rotating.set(secret="new")
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK


def _wanting(server: WebServer, options: dict[str, Any], secret: str) -> Any:
    words = {
        "basic": "Basic " + base64.b64encode(f"finport:{secret}".encode()).decode(),
        "api_key": secret,
        "bearer": f"Bearer {secret}",
    }

    def answer(request: Request) -> Answer:
        good = request.headers.get("authorization") == words[options["method"]]
        return json_reply([1]) if good else error_reply(HTTPStatus.UNAUTHORIZED)

    return answer


def test_a_connection_that_is_gone_is_told(web_server: WebServer, place: Place) -> None:
    def gone() -> Any:
        raise MissingConnection("no connection 'planted'.", hint="add it")

    web_server.add("/prices", error_reply(HTTPStatus.UNAUTHORIZED))
    user = place.user(connection("http", login="finport", read=gone), {"method": "basic"})
    with pytest.raises(MissingConnection, match=r"^prices: no connection"):
        user.ask(web_server.url("/prices"))


def test_a_bearer_token_that_says_it_ended_is_not_sent(web_server: WebServer, place: Place) -> None:
    place.clock = ManualClock()
    rotating = Rotating(secret=_jwt(int(place.clock.now().timestamp()) - 1))
    user = place.user(rotating.spec(), {"method": "bearer"})
    web_server.add("/prices", json_reply([1]))
    with pytest.raises(AccessDenied, match="the token in connection 'planted' ended at 2024-01-01"):
        user.ask(web_server.url("/prices"))
    assert web_server.requests == []
    rotating.set(secret=_jwt(int(place.clock.now().timestamp()) + 60))
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a..c", "a.bm90IGpzb24.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c"])
def test_a_token_that_says_nothing_is_sent(web_server: WebServer, place: Place, token: str) -> None:
    request = seen(web_server, place, connection("http", secret=token), {"method": "bearer"})
    assert request.headers["authorization"] == f"Bearer {token}"


def _jwt(end: int) -> str:
    parts = ({"alg": "none"}, {"exp": end})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, "sig"))


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_names_the_connection_that_has_no_secret(place: Place, name: str) -> None:
    options = {"method": name, **NEEDED.get(name, {})}
    with pytest.raises(ConfigError, match="connection 'planted' has no password"):
        place.user(connection("http", login="finport", secret=None), options)
    with pytest.raises(ConfigError, match="no connection to take"):
        place.user(None, options)
