"""OAuth 2.0 client credentials against a token server that expires, revokes, refuses and fails."""

from __future__ import annotations

import threading
import traceback
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.auth.oauth2 import ClientCredentials
from finport_ingestion.engine.clock import Clock, SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceUnavailable,
)
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.certificates import PrivateCa
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Hang, Request, error_reply, html_page, in_turn, json_reply
from tests.services.web_tokens import TokenEndpoint


@pytest.fixture
def tokens(web_server: WebServer) -> TokenEndpoint:
    """A token server at `/token` and a price list at `/prices` that wants its tokens."""
    endpoint = TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)
    web_server.add("/token", endpoint)
    web_server.add("/prices", endpoint.protect(json_reply([1])))
    return endpoint


def grant(server: WebServer, ca: PrivateCa, *, spec: ConnectionSpec | None = None, clock: Clock | None = None) -> Grant:
    return Grant(
        source="prices",
        connection=spec or connection("finport_http", login="finport"),
        clock=clock or SystemClock(),
        tls=ca.client_context(),
        timeout_seconds=5,
        base_url=server.url(),
    )


def method(given: Grant, **options: Any) -> ClientCredentials:
    stated = {"method": "oauth2_client_credentials", "tokenUrl": "/token", **options}
    return ClientCredentials(ClientCredentials.Options.model_validate(stated), given)


def get(server: WebServer, ca: PrivateCa, auth: httpx.Auth) -> httpx.Response:
    with httpx.Client(verify=ca.client_context(), auth=auth, trust_env=False) as client:
        return client.get(server.url("/prices"))


@pytest.mark.parametrize("place", ["basic", "post"])
def test_a_token_is_fetched_and_kept(
    web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint, place: str
) -> None:
    for _ in range(3):
        auth = method(grant(web_server, private_ca), clientAuthentication=place).httpx_auth()
        assert get(web_server, private_ca, auth).status_code == HTTPStatus.OK
    assert tokens.issued == 1
    (request,) = web_server.requests_to("/token")
    assert request.form()["grant_type"] == "client_credentials"
    assert ("authorization" in request.headers) == (place == "basic")
    assert ("client_secret" in request.form()) == (place == "post")


def test_scopes_and_audience_are_asked_for(web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint) -> None:
    options = {"scopes": ["prices", "reference"], "audience": "https://api"}
    get(web_server, private_ca, method(grant(web_server, private_ca), **options).httpx_auth())
    form = web_server.requests_to("/token")[0].form()
    assert (form["scope"], form["audience"]) == ("prices reference", "https://api")
    # Another scope is another token.
    get(web_server, private_ca, method(grant(web_server, private_ca), scopes=["prices"]).httpx_auth())
    assert tokens.issued == 2


@pytest.mark.parametrize(("lifetime", "kept_for"), [(3600, 3540), (300, 270)])
def test_a_token_is_renewed_ahead_of_its_end(
    web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint, lifetime: float, kept_for: float
) -> None:
    clock = ManualClock()
    tokens.lifetime_seconds = lifetime
    auth = method(grant(web_server, private_ca, clock=clock)).httpx_auth()
    get(web_server, private_ca, auth)
    clock.sleep(kept_for - 1)
    get(web_server, private_ca, auth)
    assert tokens.issued == 1
    clock.sleep(1)
    get(web_server, private_ca, auth)
    assert tokens.issued == 2


def test_a_revoked_token_is_renewed_once(web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint) -> None:
    auth = method(grant(web_server, private_ca)).httpx_auth()
    get(web_server, private_ca, auth)
    tokens.revoke_all()
    assert get(web_server, private_ca, auth).status_code == HTTPStatus.OK
    assert tokens.issued == 2
    web_server.add("/prices", error_reply(HTTPStatus.UNAUTHORIZED))
    assert get(web_server, private_ca, auth).status_code == HTTPStatus.UNAUTHORIZED
    assert tokens.issued == 3


def test_a_token_without_an_end_is_kept(web_server: WebServer, private_ca: PrivateCa) -> None:
    clock = ManualClock()
    web_server.add("/token", json_reply({"access_token": "t", "token_type": "Bearer"}))
    web_server.add("/prices", json_reply([1]))
    auth = method(grant(web_server, private_ca, clock=clock)).httpx_auth()
    for _ in range(2):
        get(web_server, private_ca, auth)
        clock.sleep(100_000)
    assert len(web_server.requests_to("/token")) == 1


def test_threads_fetch_one_token_together(web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint) -> None:
    auth = method(grant(web_server, private_ca)).httpx_auth()
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(web_server, private_ca, auth).status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [HTTPStatus.OK] * 8
    assert tokens.issued == 1


def test_id_and_secret_may_come_from_the_document(
    web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint
) -> None:
    empty = connection("finport_http", secret=None)
    stated = {"clientId": "finport", "clientSecret": PLANTED_SECRET}
    auth = method(grant(web_server, private_ca, spec=empty), **stated).httpx_auth()
    assert get(web_server, private_ca, auth).status_code == HTTPStatus.OK
    assert tokens.issued == 1


def test_a_wrong_secret_is_denied_even_while_the_right_one_has_a_token(
    web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint
) -> None:
    get(web_server, private_ca, method(grant(web_server, private_ca)).httpx_auth())
    wrong = connection("finport_http", login="finport", secret="wr0ng-secret")
    with pytest.raises(AccessDenied, match=r"prices: POST /token .*401 \(invalid_client\).*connection 'planted'"):
        get(web_server, private_ca, method(grant(web_server, private_ca, spec=wrong)).httpx_auth())
    assert tokens.issued == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (json_reply({"error": "invalid_client"}, status=400), AccessDenied),
        (json_reply({"error": "unauthorized_client"}, status=400), AccessDenied),
        (json_reply({"error": "invalid_scope"}, status=400), AccessDenied),
        (json_reply({"error": "unsupported_grant_type"}, status=400), PermanentError),
        (error_reply(403), AccessDenied),
        (error_reply(404), ConfigError),
        (Answer(b"", 302, {"Location": "/login"}), ConfigError),
        (error_reply(500), SourceUnavailable),
        (error_reply(503), SourceUnavailable),
        (html_page(), FormatError),
        (json_reply({"access_token": 7}), FormatError),
        (json_reply({"access_token": "t", "token_type": "mac"}), FormatError),
        (Hang(), SourceUnavailable),
    ],
)
def test_a_token_server_that_gives_none_is_an_error_of_its_kind(
    web_server: WebServer, private_ca: PrivateCa, reply: Any, error: type[FinportError]
) -> None:
    web_server.add("/token", reply)
    given = grant(web_server, private_ca)
    auth = method(
        Grant(**{**{name: getattr(given, name) for name in given.__slots__}, "timeout_seconds": 0.3})
    ).httpx_auth()
    with pytest.raises(error, match=r"^prices: POST /token \(token\) at 127\.0\.0\.1:\d+") as raised:
        get(web_server, private_ca, auth)
    assert type(raised.value) is error
    assert raised.value.hint


def test_a_token_server_that_is_busy_says_for_how_long(web_server: WebServer, private_ca: PrivateCa) -> None:
    web_server.add("/token", error_reply(429, headers={"Retry-After": "12"}))
    with pytest.raises(RateLimited) as raised:
        get(web_server, private_ca, method(grant(web_server, private_ca)).httpx_auth())
    assert raised.value.retry_after_seconds == 12


def test_after_a_failure_the_next_request_asks_again(
    web_server: WebServer, private_ca: PrivateCa, tokens: TokenEndpoint
) -> None:
    web_server.add("/token", in_turn(error_reply(503), tokens))
    auth = method(grant(web_server, private_ca)).httpx_auth()
    with pytest.raises(SourceUnavailable):
        get(web_server, private_ca, auth)
    assert get(web_server, private_ca, auth).status_code == HTTPStatus.OK


def test_an_echo_of_the_secret_is_not_repeated(
    web_server: WebServer, private_ca: PrivateCa, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: Request) -> Answer:
        form = request.form()
        return json_reply({"error": form["client_secret"], "error_description": form["client_secret"]}, status=400)

    web_server.add("/token", echo)
    given = method(grant(web_server, private_ca), clientAuthentication="post", clientSecret=PLANTED_SECRET)
    with caplog.at_level("DEBUG"), pytest.raises(PermanentError) as raised:
        get(web_server, private_ca, given.httpx_auth())
    shown = "".join(traceback.format_exception(raised.value))
    for text in (shown, caplog.text, repr(given), repr(given._options), repr(given._request()), repr(given._grant)):
        assert PLANTED_SECRET not in text


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        (connection("finport_http", login=None), "has no login"),
        (connection("finport_http", login="finport", secret=None), "has no password"),
    ],
)
def test_missing_credentials_are_named(
    web_server: WebServer, private_ca: PrivateCa, spec: ConnectionSpec, missing: str
) -> None:
    with pytest.raises(ConfigError, match=f"connection 'planted' {missing}"):
        method(grant(web_server, private_ca, spec=spec)).httpx_auth()


def test_the_token_url_may_be_absolute_but_not_unprotected(web_server: WebServer, private_ca: PrivateCa) -> None:
    given = grant(web_server, private_ca)
    assert method(given, tokenUrl="https://login.vendor.example/oauth")._request().url == (
        "https://login.vendor.example/oauth"
    )
    assert method(given, tokenUrl="oauth/token")._request().url == web_server.url("/oauth/token")
    with pytest.raises(ConfigError, match="would travel unprotected to login"):
        method(given, tokenUrl="http://login.vendor.example/oauth").httpx_auth()


def test_a_token_server_of_another_authority_is_refused(web_server: WebServer, private_ca: PrivateCa) -> None:
    import ssl

    given = grant(web_server, private_ca)
    fields = {name: getattr(given, name) for name in given.__slots__}
    strangers = Grant(**{**fields, "tls": ssl.create_default_context()})
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        get(web_server, private_ca, method(strangers).httpx_auth())
