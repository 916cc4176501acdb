"""OAuth 2.0 client credentials against a token server that expires, revokes, refuses and fails."""

from __future__ import annotations

import threading
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

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
from tests.conformance.auth.user import Place, Rotating, User
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Hang, Request, error_reply, html_page, in_turn, json_reply
from tests.services.web_tokens import TokenEndpoint


@pytest.fixture
def place(web_server: WebServer) -> Place:
    """Where the web server is trusted."""
    return Place(ca_file=web_server.ca_path, base_url=web_server.url())


def user(place: Place, spec: ConnectionSpec | None = None, **options: Any) -> User:
    stated = {"method": "oauth2_client_credentials", "tokenUrl": "/token", **options}
    return place.user(spec or connection("finport_http", login="finport"), stated)


@pytest.mark.parametrize("proof", ["basic", "post"])
def test_a_token_is_fetched_and_kept(web_server: WebServer, place: Place, tokens: TokenEndpoint, proof: str) -> None:
    for _ in range(3):
        assert user(place, clientAuthentication=proof).ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert tokens.issued == 1
    (request,) = web_server.requests_to("/token")
    assert request.form()["grant_type"] == "client_credentials"
    assert ("authorization" in request.headers) == (proof == "basic")
    assert ("client_secret" in request.form()) == (proof == "post")


def test_scopes_audience_and_parameters_are_asked_for(
    web_server: WebServer, place: Place, tokens: TokenEndpoint
) -> None:
    options = {"scopes": ["prices", "reference"], "audience": "https://api", "parameters": {"resource": "urn:prices"}}
    user(place, **options).ask(web_server.url("/prices"))
    form = web_server.requests_to("/token")[0].form()
    assert (form["scope"], form["audience"], form["resource"]) == ("prices reference", "https://api", "urn:prices")
    # Another scope is another token.
    user(place, scopes=["prices"]).ask(web_server.url("/prices"))
    assert tokens.issued == 2


@pytest.mark.parametrize(("lifetime", "kept_for"), [(3600, 3540), (300, 270)])
def test_a_token_is_renewed_ahead_of_its_end(
    web_server: WebServer, place: Place, tokens: TokenEndpoint, lifetime: float, kept_for: float
) -> None:
    clock = place.clock = ManualClock()
    place.seconds = 10_000
    tokens.lifetime_seconds = lifetime
    somebody = user(place)
    somebody.ask(web_server.url("/prices"))
    clock.sleep(kept_for - 1)
    somebody.ask(web_server.url("/prices"))
    assert tokens.issued == 1
    clock.sleep(1)
    somebody.ask(web_server.url("/prices"))
    assert tokens.issued == 2


def test_a_revoked_token_is_renewed_once(web_server: WebServer, place: Place, tokens: TokenEndpoint) -> None:
    somebody = user(place)
    somebody.ask(web_server.url("/prices"))
    tokens.revoke_all()
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert tokens.issued == 2
    web_server.add("/prices", error_reply(HTTPStatus.UNAUTHORIZED))
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.UNAUTHORIZED
    assert tokens.issued == 3


@pytest.mark.parametrize("expires_in", [{}, {"expires_in": "soon"}, {"expires_in": -1}, {"expires_in": 1e300}])
def test_a_token_without_an_end_is_kept(web_server: WebServer, place: Place, expires_in: dict[str, Any]) -> None:
    clock = place.clock = ManualClock()
    place.seconds = 1_000_000
    web_server.add("/token", json_reply({"access_token": "t", "token_type": "Bearer", **expires_in}))
    web_server.add("/prices", json_reply([1]))
    somebody = user(place)
    for _ in range(2):
        somebody.ask(web_server.url("/prices"))
        clock.sleep(100_000)
    assert len(web_server.requests_to("/token")) == 1


def test_threads_fetch_one_token_together(web_server: WebServer, place: Place, tokens: TokenEndpoint) -> None:
    somebody = user(place)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(somebody.ask(web_server.url("/prices")).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [HTTPStatus.OK] * 8
    assert tokens.issued == 1


def test_id_and_secret_may_come_from_the_document(web_server: WebServer, place: Place, tokens: TokenEndpoint) -> None:
    empty = connection("finport_http", secret=None)
    somebody = user(place, empty, clientId="finport", clientSecret=PLANTED_SECRET)
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert tokens.issued == 1


def test_a_wrong_secret_is_denied_even_while_the_right_one_has_a_token(
    web_server: WebServer, place: Place, tokens: TokenEndpoint
) -> None:
    user(place).ask(web_server.url("/prices"))
    wrong = connection("finport_http", login="finport", secret="wr0ng-secret")
    with pytest.raises(AccessDenied, match=r"prices: POST /token .*401 \(invalid_client\).*connection 'planted'"):
        user(place, wrong).ask(web_server.url("/prices"))
    assert tokens.issued == 1


def test_a_rotated_secret_is_read_once_more_before_giving_up(
    web_server: WebServer, place: Place, tokens: TokenEndpoint
) -> None:
    rotating = Rotating(login="finport", secret=PLANTED_SECRET)
    somebody = user(place, rotating.spec())
    somebody.ask(web_server.url("/prices"))
    tokens.client_secret = "another-s3cret"
    tokens.revoke_all()
    rotating.set(secret="another-s3cret")
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert (tokens.issued, rotating.read_count) == (2, 2)
    tokens.client_secret = "a third one"
    tokens.revoke_all()
    with pytest.raises(AccessDenied):
        somebody.ask(web_server.url("/prices"))
    assert rotating.read_count == 3


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
        (json_reply({"error": "invalid_client"}), AccessDenied),
        (html_page(), FormatError),
        (json_reply({"access_token": 7}), FormatError),
        (json_reply({"access_token": "t", "token_type": "mac"}), FormatError),
        (Hang(), SourceUnavailable),
    ],
)
def test_a_token_server_that_gives_none_is_an_error_of_its_kind(
    web_server: WebServer, place: Place, reply: Any, error: type[FinportError]
) -> None:
    web_server.add("/token", reply)
    place.timeout_seconds = 0.5 if isinstance(reply, Hang) else 20.0
    with pytest.raises(error, match=r"^prices: POST /token .*at 127\.0\.0\.1:\d+") as raised:
        user(place).ask(web_server.url("/prices"))
    assert type(raised.value) is error
    assert raised.value.hint


def test_a_token_server_that_is_busy_says_for_how_long(web_server: WebServer, place: Place) -> None:
    web_server.add("/token", error_reply(429, headers={"Retry-After": "12"}))
    with pytest.raises(RateLimited) as raised:
        user(place).ask(web_server.url("/prices"))
    assert raised.value.retry_after_seconds == 12


def test_after_a_failure_the_next_request_asks_again(
    web_server: WebServer, place: Place, tokens: TokenEndpoint
) -> None:
    web_server.add("/token", in_turn(error_reply(503), tokens))
    somebody = user(place)
    with pytest.raises(SourceUnavailable):
        somebody.ask(web_server.url("/prices"))
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.OK


def test_an_echo_of_the_secret_is_not_repeated(
    web_server: WebServer, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: Request) -> Answer:
        form = request.form()
        return json_reply({"error": form["client_secret"], "error_description": form["client_secret"]}, status=400)

    web_server.add("/token", echo)
    somebody = user(place, clientAuthentication="post", clientSecret=PLANTED_SECRET)
    with caplog.at_level("DEBUG"), pytest.raises(PermanentError) as raised:
        somebody.ask(web_server.url("/prices"))
    shown = "".join(traceback.format_exception(raised.value))
    for text in (shown, caplog.text, repr(somebody), repr(somebody.method._options), repr(somebody.grant)):
        assert PLANTED_SECRET not in text


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        (connection("finport_http", login=None), "has no login"),
        (connection("finport_http", login="finport", secret=None), "has no password"),
    ],
)
def test_missing_credentials_are_named(place: Place, spec: ConnectionSpec, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"connection 'planted' {missing}"):
        user(place, spec)


def test_the_token_url_may_be_absolute_but_not_unprotected(place: Place, plain_web_server: WebServer) -> None:
    user(place, tokenUrl="https://login.vendor.example/oauth")
    url = plain_web_server.url("/token")
    with pytest.raises(ConfigError, match=r"credentials for 127\.0\.0\.1 .* would travel without TLS"):
        user(place, tokenUrl=url)
    place.protection = {"allow_plaintext": True}
    endpoint = TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)
    plain_web_server.add("/token", endpoint)
    plain_web_server.add("/prices", endpoint.protect(json_reply([1])))
    assert user(place, tokenUrl=url).ask(plain_web_server.url("/prices")).status == HTTPStatus.OK


def test_a_token_server_of_another_authority_is_refused(
    web_server: WebServer, place: Place, tmp_path: Path, tokens: TokenEndpoint
) -> None:
    from tests.services.certificates import PrivateCa

    place.ca_file = PrivateCa(tmp_path).ca_path
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        user(place).ask(web_server.url("/prices"))
    assert tokens.issued == 0


def test_a_token_server_in_a_private_network_is_refused_unless_allowed(
    web_server: WebServer, place: Place, tokens: TokenEndpoint
) -> None:
    place.protection = {"allow_private_network": False}
    with pytest.raises(ConfigError, match="no address of the public network"):
        user(place).ask(web_server.url("/prices"))
    assert tokens.issued == 0


def test_one_address_is_stated_and_not_two(place: Place) -> None:
    with pytest.raises(ValueError, match="either 'tokenUrl' or 'issuer'"):
        user(place, issuer="https://login.vendor.example")
