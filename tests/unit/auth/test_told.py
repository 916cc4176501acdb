"""What methods tell of tokens and credentials: each once, where it happens, and nothing that is secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.auth.signing import Carried
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.events.event import EventType
from tests.conformance.auth.user import Place, Rotating, User
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import json_reply
from tests.services.web_tokens import TokenEndpoint

OBTAINED, ROTATED = EventType.TOKEN_OBTAINED, EventType.CREDENTIALS_ROTATED


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.heard: list[EventType] = []
        self.facts: list[dict[str, str | None]] = []

    def __call__(self, event_type: EventType, **facts: str | None) -> None:
        self.heard.append(event_type)
        self.facts.append(facts)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def place(web_server: WebServer, listener: Listener) -> Place:
    """Where the web server is trusted, and somebody listens."""
    return Place(ca_file=web_server.ca_path, base_url=web_server.url(), told=listener)


def user(place: Place, rotating: Rotating | None = None, **options: Any) -> User:
    spec = rotating.spec() if rotating else connection("finport_http", login="finport")
    return place.user(spec, {"method": "oauth2_client_credentials", "tokenUrl": "/token", **options})


def test_a_token_is_told_with_its_end_and_not_when_it_is_found(
    web_server: WebServer, place: Place, tokens: TokenEndpoint, listener: Listener
) -> None:
    place.clock = ManualClock()
    for _ in range(3):
        assert user(place).ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert listener.heard == [OBTAINED]
    assert listener.facts == [{"ends_at": "2024-01-02T01:00:00+00:00"}]


def test_a_token_that_takes_the_place_of_a_rejected_one_is_told(
    web_server: WebServer, place: Place, tokens: TokenEndpoint, listener: Listener
) -> None:
    someone = user(place)
    someone.ask(web_server.url("/prices"))
    tokens.revoke_all()
    assert someone.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert listener.heard == [OBTAINED, OBTAINED]


def test_a_token_that_comes_of_a_consent_is_told(place: Place, tokens: TokenEndpoint, listener: Listener) -> None:
    signer: Any = user(place).signer
    assert isinstance(signer, Carried)
    shared: Any = signer._tokens
    assert isinstance(shared, SharedTokens)
    shared.keep(Token(text="of a person", refresh="next"))
    assert (listener.heard, listener.facts) == ([OBTAINED], [{"ends_at": None}])


def test_nothing_is_told_of_a_token_that_is_not_given(
    web_server: WebServer, place: Place, tokens: TokenEndpoint, listener: Listener
) -> None:
    with pytest.raises(AccessDenied):
        user(place, Rotating(login="finport", secret="wr0ng")).ask(web_server.url("/prices"))
    assert listener.heard == []


def test_credentials_that_are_others_after_a_refusal_are_told_and_so_is_the_token_that_they_bring(
    web_server: WebServer, place: Place, tokens: TokenEndpoint, listener: Listener
) -> None:
    rotating = Rotating(login="finport", secret="old")
    someone = user(place, rotating)
    rotating.set(secret=PLANTED_SECRET)
    assert someone.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert listener.heard == [ROTATED, OBTAINED]


def test_a_key_that_is_another_one_after_a_refusal_is_told_once(
    web_server: WebServer, place: Place, listener: Listener
) -> None:
    rotating = Rotating(secret="old")
    someone = place.user(rotating.spec(), {"method": "api_key", "header": "X-Key"})
    web_server.add("/prices", lambda sent: json_reply([], status=200 if sent.headers["x-key"] == "new" else 401))
    assert someone.ask(web_server.url("/prices")).status == HTTPStatus.UNAUTHORIZED
    assert listener.heard == [], "it holds nothing new"
    rotating.set(secret="new")
    for _ in range(2):
        assert someone.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert (listener.heard, listener.facts) == ([ROTATED], [{}])
