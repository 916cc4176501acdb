"""Logins of an API's own: tokens and cookies, shared, renewed, with a second factor, refused."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pyotp
import pytest

from finport_ingestion.engine.errors import AccessDenied, ConfigError, RateLimited, SourceUnavailable
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Request, error_reply, json_reply, too_many_requests

OTP_SECRET = "KRUGKIDROVUWG2ZAMJZG653OEBTG66BA"
BY_TOKEN = {"method": "session", "loginUrl": "/login", "tokenPath": "session.key", "header": "X-Session", "prefix": ""}
BY_COOKIE = {"method": "session", "loginUrl": "/login", "body": "form", "loginField": "user", "passwordField": "pw"}


class Api:
    """Sessions as an API keeps them."""

    def __init__(self, server: WebServer) -> None:
        self.sessions: set[str] = set()
        self.logins: list[dict[str, str]] = []
        self.password = PLANTED_SECRET
        server.add("/login", self._login)
        server.add("/prices", self._prices)

    def _login(self, request: Request) -> Answer:
        is_json = request.headers["content-type"] == "application/json"
        fields = json.loads(request.body) if is_json else request.form()
        self.logins.append(fields)
        if fields.get("password" if is_json else "pw") != self.password:
            return error_reply(HTTPStatus.UNAUTHORIZED)
        key = f"key-{len(self.logins)}"
        self.sessions.add(key)
        if is_json:
            return json_reply({"session": {"key": key}})
        return Answer(b"", HTTPStatus.FOUND, {"Location": "/", "Set-Cookie": f"sid={key}; Path=/; Secure; Max-Age=900"})

    def _prices(self, request: Request) -> Answer:
        key = request.headers.get("x-session") or request.headers.get("cookie", "").removeprefix("sid=")
        return json_reply([1]) if key in self.sessions else error_reply(HTTPStatus.UNAUTHORIZED)


@pytest.fixture
def api(web_server: WebServer) -> Api:
    return Api(web_server)


@pytest.fixture
def place(web_server: WebServer) -> Place:
    """Where the web server is trusted."""
    return Place(ca_file=web_server.ca_path, base_url=web_server.url())


SPEC = connection("http", login="finport")


@pytest.mark.parametrize("options", [BY_TOKEN, BY_COOKIE])
def test_one_login_serves_all_and_is_repeated_when_the_session_ends(
    web_server: WebServer, place: Place, api: Api, options: dict[str, Any]
) -> None:
    for _ in range(2):
        user = place.user(SPEC, options)
        assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert len(api.logins) == 1
    api.sessions.clear()
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert len(api.logins) == 2


def test_a_session_is_renewed_ahead_of_its_end(web_server: WebServer, place: Place, api: Api) -> None:
    place.clock, place.seconds = ManualClock(), 10_000
    user = place.user(SPEC, {**BY_TOKEN, "lifetime": "10m"})
    for seconds in (0, 500, 60):
        place.clock.sleep(seconds)
        user.ask(web_server.url("/prices"))
    assert len(api.logins) == 2


def test_a_second_factor_is_given_once_for_each_login(web_server: WebServer, place: Place, api: Api) -> None:
    place.clock, place.seconds = ManualClock(), 10_000
    spec = connection("http", login="finport", extra={"otp_secret": OTP_SECRET})
    user = place.user(spec, {**BY_TOKEN, "otp": {"parameter": "code"}})
    user.ask(web_server.url("/prices"))
    api.sessions.clear()
    user.ask(web_server.url("/prices"))
    first, second = [login["code"] for login in api.logins]
    assert first != second
    assert pyotp.TOTP(OTP_SECRET).verify(second, for_time=place.clock.now())


def test_a_rotated_password_is_read_once_more(web_server: WebServer, place: Place, api: Api) -> None:
    rotating = Rotating(login="finport", secret="old")
    user = place.user(rotating.spec(), BY_TOKEN)
    rotating.set(secret=PLANTED_SECRET)
    assert user.ask(web_server.url("/prices")).status == HTTPStatus.OK
    assert len(api.logins) == 2


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (error_reply(401), AccessDenied),
        (error_reply(404), ConfigError),
        (error_reply(503), SourceUnavailable),
        (too_many_requests(retry_after_seconds=5), RateLimited),
        (json_reply({"session": {}}), AccessDenied),
        (json_reply([PLANTED_SECRET]), AccessDenied),
        (Answer(b"<html>", 200, {"Content-Type": "text/html"}), AccessDenied),
    ],
)
def test_a_login_that_gives_nothing_is_an_error_of_its_kind(
    web_server: WebServer, place: Place, reply: Answer, error: type[Exception]
) -> None:
    web_server.add("/login", reply)
    with pytest.raises(error, match=r"prices: POST /login \(login\)") as raised:
        place.user(SPEC, BY_TOKEN).ask(web_server.url("/prices"))
    assert PLANTED_SECRET not in str(raised.value)


def test_a_login_without_tls_is_refused_unless_allowed(plain_web_server: WebServer, api: Api, place: Place) -> None:
    with pytest.raises(ConfigError, match="would travel without TLS"):
        place.user(SPEC, {**BY_TOKEN, "loginUrl": plain_web_server.url("/login")}).ask("https://api.example")


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no JMESPath"):
        Place().user(None, {**BY_TOKEN, "tokenPath": "a["})
