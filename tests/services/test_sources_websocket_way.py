"""The way to a WebSocket: signed and protected, refused addresses, and bad days."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

import pytest

from finport_ingestion.engine.auth.basic import Basic
from finport_ingestion.engine.auth.oauth2 import ClientCredentials
from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from tests.conformance.sources.access import PLANTED_SECRET, UNESCAPED_SECRET
from tests.services.web import WebServer
from tests.services.web_tokens import TokenEndpoint
from tests.services.websocket_server import WebsocketServer, WebsocketServers
from tests.services.websocket_source import END, STOP, sending, source, values
from tests.unit.network.proxies import recording_proxy


class TestWays:
    def test_the_check_says_how_it_is_protected(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending())
        said = source(websocket_server).check()
        assert said == f"prices: WebSocket /ws at 127.0.0.1:{websocket_server.port} opens over TLS."

    def test_the_query_is_sent_and_in_no_text(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending(END))
        read = source(websocket_server, query={"key": PLANTED_SECRET}, stop=STOP)
        assert values(read) == [END]
        assert websocket_server.opened[-1] == "/ws?key=pl4nted-s3cret%3A%2F%2B%25"
        del websocket_server.scripts["/ws"]
        with pytest.raises(SourceItemMissing) as raised:
            read.check()
        assert UNESCAPED_SECRET not in "".join(traceback.format_exception(raised.value))

    def test_the_opening_request_is_signed(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending(END))
        login = base64.b64encode(f"finport:{PLANTED_SECRET}".encode()).decode()
        websocket_server.authorization = f"Basic {login}"
        basic = Basic.Options.model_validate({"method": "basic"})
        spec = {"login": "finport", "secret": PLANTED_SECRET}
        assert values(source(websocket_server, auth=basic, spec=spec, stop=STOP)) == [END]
        with pytest.raises(AccessDenied, match="answers 401"):
            source(websocket_server).check()

    def test_a_token_that_is_rejected_is_renewed_once(
        self, websocket_server: WebsocketServer, web_server: WebServer
    ) -> None:
        tokens = TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)
        web_server.add("/token", tokens)
        websocket_server.accepts = lambda header: tokens.is_valid(header.removeprefix("Bearer "))
        websocket_server.add("/ws", sending(END))
        stated = {"method": "oauth2_client_credentials", "tokenUrl": web_server.url("/token")}
        auth = ClientCredentials.Options.model_validate(stated)
        read = source(websocket_server, auth=auth, spec={"login": "finport", "secret": PLANTED_SECRET}, stop=STOP)
        assert read.check()
        tokens.revoke_all()
        assert read.check()
        assert tokens.issued == 2

    def test_plaintext_wants_permission(self, websocket_servers: WebsocketServers) -> None:
        with websocket_servers.serve(tls=False) as server:
            server.add("/ws", sending(END))
            with pytest.raises(ConfigError, match="would travel without TLS") as raised:
                source(server)
            assert "allowPlaintext" in str(raised.value)
            read = source(server, protection={"allow_plaintext": True}, stop=STOP)
            assert read.check().endswith("opens without TLS.")
            assert values(read) == [END]

    def test_private_addresses_want_permission(self, websocket_server: WebsocketServer) -> None:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            source(websocket_server, protection={"allow_private_network": False}).check()

    def test_a_redirect_is_not_followed(self, websocket_server: WebsocketServer) -> None:
        websocket_server.statuses["/ws"] = HTTPStatus.FOUND
        with pytest.raises(PermanentError, match="answers 302"):
            source(websocket_server).check()

    def test_an_older_tls_wants_permission(self, websocket_servers: WebsocketServers) -> None:
        context = websocket_servers.ca.server_context(minimum=ssl.TLSVersion.TLSv1_2)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with websocket_servers.serve(context=context) as server:
            server.add("/ws", sending(END))
            assert source(server, protection={"min_tls": "1.2"}).check()
            with shaking_hands(context) as port, pytest.raises(ConfigError, match="no TLS version that is accepted"):
                source(server, url=f"wss://127.0.0.1:{port}").check()

    def test_an_unknown_authority_is_not_trusted(self, websocket_server: WebsocketServer) -> None:
        with pytest.raises(ConfigError, match="certificate is not trusted"):
            source(websocket_server, protection={"ca_file": None}).check()

    def test_a_certificate_of_another_name_is_not_trusted(self, websocket_servers: WebsocketServers) -> None:
        issued = websocket_servers.ca.issue("other", identities=("other.example.com",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate_path, issued.key_path)
        refused = pytest.raises(ConfigError, match="certificate is not trusted")
        with websocket_servers.serve(context=context) as server, refused:
            source(server).check()

    def test_it_goes_through_the_sources_proxy(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending(END))
        with recording_proxy(towards=("127.0.0.1", websocket_server.port)) as proxy:
            way = {"proxy": f"http://127.0.0.1:{proxy.port}"}
            assert values(source(websocket_server, protection=way, stop=STOP)) == [END]
        assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{websocket_server.port} ")

    @pytest.mark.parametrize("host", ["ftp://a", "wss://user:pw@host", "wss://host?key=1", ""])
    def test_an_address_is_an_address(self, websocket_server: WebsocketServer, host: str) -> None:
        with pytest.raises(ConfigError):
            source(websocket_server, spec={"host": host})


class TestBadDays:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (HTTPStatus.FORBIDDEN, AccessDenied),
            (HTTPStatus.GONE, SourceItemMissing),
            (HTTPStatus.TOO_MANY_REQUESTS, RateLimited),
            (HTTPStatus.SERVICE_UNAVAILABLE, SourceUnavailable),
            (HTTPStatus.BAD_REQUEST, PermanentError),
        ],
    )
    def test_answers_to_the_opening_request(
        self, websocket_server: WebsocketServer, status: HTTPStatus, kind: type[Exception]
    ) -> None:
        websocket_server.statuses["/ws"] = status
        with pytest.raises(kind, match=f"answers {status.value}"):
            list(source(websocket_server).discover(None))

    def test_a_silent_server_is_given_up(self, websocket_server: WebsocketServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            read = source(
                websocket_server,
                url=f"wss://127.0.0.1:{silent.getsockname()[1]}",
                request_timeout_seconds=0.3,
            )
            with pytest.raises(SourceUnavailable):
                read.check()

    def test_a_server_of_another_protocol_is_told(
        self, websocket_server: WebsocketServer, web_server: WebServer
    ) -> None:
        with pytest.raises(SourceItemMissing):
            source(websocket_server, url=f"wss://127.0.0.1:{web_server.port}").check()


@contextmanager
def shaking_hands(context: ssl.SSLContext) -> Iterator[int]:
    """The port of a server that says why it ends a handshake, as an event loop's does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, suppress(ssl.SSLError):
                context.wrap_socket(client, server_side=True)

        thread = threading.Thread(target=serve, name="handshake")
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
