"""What holds for every method: whatever a server answers, no secret is told, and each failure is one of ours."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.errors import FinportError
from tests.conformance.auth.user import Place, User
from tests.conformance.sources.access import PLANTED_SECRET, UNESCAPED_SECRET, connection
from tests.services.certificates import PrivateCa
from tests.services.web import WebServer
from tests.services.web_replies import Answer, CutReply, Request, ResetConnection, error_reply, html_page, json_reply
from tests.unit.auth.saml_responses import Provider
from tests.unit.auth.test_fixed_credentials import NEEDED

OTP_SECRET = "KRUGKIDROVUWG2ZAMJZG653OEBTG66BA"
REFRESH = f"refresh-{UNESCAPED_SECRET}"


def echo(request: Request) -> Answer:
    """Everything that came in, as an error of every shape."""
    told = request.target + str(request.headers) + request.body.decode(errors="replace")
    return json_reply({"error": told, "error_description": told, "message": told}, status=400)


def echo_as_html(request: Request) -> Answer:
    page = f"<html><form action='/x'><input type=password name='{request.body.decode(errors='replace')}'></form>"
    return Answer(page.encode(), 200, {"Content-Type": "text/html"})


def lead_back(request: Request) -> Answer:
    return Answer(b"", 302, {"Location": request.target})


REPLIES: dict[str, Any] = {
    "echo": echo,
    "echo as html": echo_as_html,
    "unauthorized": error_reply(401),
    "forbidden": error_reply(403),
    "missing": error_reply(404),
    "too many": error_reply(429),
    "broken": error_reply(500),
    "page": html_page(),
    "list": json_reply([]),
    "null": json_reply(None),
    "odd": json_reply({"access_token": ["x"], "device_code": 7, "issuer": 3}),
    "nothing": Answer(b""),
    "garbage": Answer(b"\x00\xff" * 100, 200, {"Content-Type": "application/json", "Set-Cookie": "\x7f"}),
    "elsewhere": Answer(b"", 302, {"Location": "https://elsewhere.example/"}),
    "round": lead_back,
    "cut": CutReply(json_reply({"access_token": "x" * 100}), 20),
    "reset": ResetConnection(),
}


@pytest.fixture
def user_of(web_server: WebServer, private_ca: PrivateCa) -> Callable[[str], User]:
    """Somebody with full credentials, all of whose servers are the one web server."""
    place = Place(ca_file=web_server.ca_path, base_url=web_server.url())
    provider = {"url": web_server.url("/idp"), "issuer": "https://idp.example"}
    here: dict[str, Any] = {
        "tokenUrl": "/token",
        "deviceUrl": "/device",
        "loginUrl": "/login",
        "startUrl": "/login",
        "identityProvider": provider,
        "assertion": {"serviceProvider": "https://api.example", "identityProvider": provider},
    }
    certificate = private_ca.issue("every-method")
    idp = Provider().certificate

    def make(name: str) -> User:
        options = {"method": name, **NEEDED.get(name, {})}
        options |= {key: value for key, value in here.items() if key in options}
        extra = {
            "refresh_token": REFRESH,
            "idp_certificate": idp,
            "otp_secret": OTP_SECRET,
            "passphrase": PLANTED_SECRET,
        }
        secret = PLANTED_SECRET
        if name in ("jwt", "mtls", "oauth2_jwt_bearer"):
            secret = certificate.key_path.read_text()
            extra["client_certificate"] = certificate.certificate_path.read_text()
            options |= {"algorithm": "ES256"} if name == "jwt" else {}
            options |= {"assertion": {"algorithm": "ES256"}} if name == "oauth2_jwt_bearer" else {}
        return place.user(connection("finport_http", login="finport", secret=secret, extra=extra), options)

    return make


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("name", METHODS.names())
def test_no_answer_brings_a_secret_out(
    web_server: WebServer,
    user_of: Callable[[str], User],
    name: str,
    reply: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    web_server.add("/*", REPLIES[reply])
    user = user_of(name)
    told = ""
    with caplog.at_level("DEBUG"):
        try:
            user.ask(web_server.url("/prices"))
            if name == "oauth2_device":
                user.method.begin()
        except FinportError as error:
            told = "".join(traceback.format_exception(error)) + repr(error.hint)
    shown = told + caplog.text + repr(user) + repr(user.signer) + repr(vars(user.method))
    for secret in (UNESCAPED_SECRET, OTP_SECRET, "PRIVATE KEY"):
        assert secret not in shown
