"""HTTP Basic and API keys, as a server sees them."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from finport_ingestion.engine.auth.api_key import ApiKey
from finport_ingestion.engine.auth.basic import Basic
from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from tests.conformance.sources.access import PLANTED_SECRET, connection
from tests.services.certificates import PrivateCa
from tests.services.web import WebServer
from tests.services.web_replies import Request, json_reply


def grant(ca: PrivateCa, spec: ConnectionSpec | None) -> Grant:
    return Grant(source="prices", connection=spec, clock=SystemClock(), tls=ca.client_context())


def seen_by(server: WebServer, ca: PrivateCa, auth: httpx.Auth) -> Request:
    server.add("/prices", json_reply([]))
    with httpx.Client(verify=ca.client_context(), auth=auth, trust_env=False) as client:
        client.get(server.url("/prices?page=2"))
    return server.requests[-1]


def test_basic_sends_login_and_password(web_server: WebServer, private_ca: PrivateCa) -> None:
    spec = connection("finport_http", login="jürgen")
    auth = Basic(Basic.Options(method="basic"), grant(private_ca, spec)).httpx_auth()
    sent = seen_by(web_server, private_ca, auth).headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"jürgen:{PLANTED_SECRET}"


def test_a_login_with_a_colon_is_refused(private_ca: PrivateCa) -> None:
    with pytest.raises(ConfigError, match="no colon"):
        Basic(Basic.Options(method="basic"), grant(private_ca, connection("http", login="a:b"))).httpx_auth()


@pytest.mark.parametrize("place", [{"header": "X-Api-Key"}, {"parameter": "apikey"}])
def test_a_key_is_sent_where_the_document_says(
    web_server: WebServer, private_ca: PrivateCa, place: dict[str, Any]
) -> None:
    options = ApiKey.Options.model_validate({"method": "api_key", **place})
    request = seen_by(web_server, private_ca, ApiKey(options, grant(private_ca, connection("http"))).httpx_auth())
    assert request.headers.get("x-api-key") == (PLANTED_SECRET if "header" in place else None)
    expected = {"page": ["2"]} | ({"apikey": [PLANTED_SECRET]} if "parameter" in place else {})
    assert request.query == expected


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_names_the_connection_that_has_no_secret(private_ca: PrivateCa, name: str) -> None:
    method = METHODS.get(name)
    needed = {"api_key": {"header": "X"}, "oauth2_client_credentials": {"tokenUrl": "https://login.example/token"}}
    options = method.Options.model_validate({"method": name, **needed.get(name, {})})
    with pytest.raises(ConfigError, match="connection 'planted' has no password"):
        method(options, grant(private_ca, connection("http", login="finport", secret=None))).httpx_auth()
    with pytest.raises(ConfigError, match="no connection to take"):
        method(options, grant(private_ca, None)).httpx_auth()
