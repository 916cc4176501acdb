"""A service behind SAML single sign-on, on the tests' web server: sends who is new to the identity provider."""

from __future__ import annotations

import base64
import re
import secrets
import zlib
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from tests.services.web import WebServer
from tests.services.web_replies import Answer, Reply, Request, json_reply


class SamlService:
    """`/login` begins, `/acs` takes responses to its own requests, and `/prices` wants the session's cookie.

    It leaves signatures to who asked for the response: what it is given last is `responses[-1]`.
    """

    def __init__(self, server: WebServer, *, name: str, provider: str) -> None:
        self.name = name
        self.provider = provider
        self.binding = "redirect"
        self.logins = 0
        self.responses: list[bytes] = []
        self._server = server
        self._asked: set[str] = set()
        self._sessions: set[str] = set()
        server.add("/login", self._begin)
        server.add("/acs", self._take)
        server.add("/welcome", json_reply({}))
        server.add("/prices", self._prices)

    def end_sessions(self) -> None:
        """Everybody has to log in again."""
        self._sessions.clear()

    def request_xml(self, identity: str) -> str:
        """A request for an assertion."""
        return (
            '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
            f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{identity}" Version="2.0"'
            f' IssueInstant="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" Destination="{self.provider}"'
            f' AssertionConsumerServiceURL="{self._server.url("/acs")}"'
            ' ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST">'
            f"<saml:Issuer>{self.name}</saml:Issuer></samlp:AuthnRequest>"
        )

    def _begin(self, request: Request) -> Reply:
        identity = f"_{secrets.token_hex(16)}"
        self._asked.add(identity)
        xml = self.request_xml(identity).encode()
        if self.binding == "post":
            form = (
                f'<form method="post" action="{self.provider}"><input type="hidden" name="SAMLRequest"'
                f' value="{base64.b64encode(xml).decode()}"><input type="hidden" name="RelayState" value="to-prices">'
                "</form>"
            )
            return Answer(f"<html><body>{form}</body></html>".encode(), 200, {"Content-Type": "text/html"})
        deflated = zlib.compressobj(wbits=-15)
        packed = base64.b64encode(deflated.compress(xml) + deflated.flush()).decode()
        query = urlencode({"SAMLRequest": packed, "RelayState": "to-prices"})
        return Answer(b"", HTTPStatus.FOUND, {"Location": f"{self.provider}?{query}"})

    def _take(self, request: Request) -> Reply:
        form = request.form()
        response = base64.b64decode(form["SAMLResponse"])
        self.responses.append(response)
        answered = re.search(rb'InResponseTo="([^"]+)"', response)
        if answered is None or answered.group(1).decode() not in self._asked or form["RelayState"] != "to-prices":
            return json_reply({"error": "not asked for"}, status=HTTPStatus.FORBIDDEN)
        session = secrets.token_urlsafe(16)
        self._sessions.add(session)
        self.logins += 1
        cookie = f"session={session}; Path=/; Secure; HttpOnly"
        return Answer(b"", HTTPStatus.FOUND, {"Location": "/welcome", "Set-Cookie": cookie})

    def _prices(self, request: Request) -> Reply:
        cookies = dict(pair.split("=", 1) for pair in request.headers.get("cookie", "").split("; ") if pair)
        if cookies.get("session") in self._sessions:
            return json_reply([1])
        return json_reply({"error": "log in"}, status=HTTPStatus.UNAUTHORIZED)
