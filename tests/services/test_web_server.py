"""The web server of the tests behaves, and misbehaves, as the tests of HTTP sources plan it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote_plus

import httpx
import pytest

from tests.services.certificates import PrivateCa
from tests.services.web import WebServer, WebServers
from tests.services.web_files import WebFile
from tests.services.web_replies import (
    Answer,
    CutReply,
    Hang,
    Request,
    ResetConnection,
    SlowReply,
    error_reply,
    html_page,
    in_turn,
    json_reply,
    text_reply,
    too_many_requests,
)
from tests.services.web_tokens import TokenEndpoint


@pytest.fixture
def client(web_server: WebServer, private_ca: PrivateCa) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web_server.url(), verify=private_ca.client_context(), timeout=10) as client:
        yield client


def test_client_that_trusts_the_private_ca_speaks_tls_1_3(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/prices", json_reply({"rows": [1, 2]}))
    response = client.get("/prices")
    assert response.json() == {"rows": [1, 2]}
    assert response.headers["content-type"] == "application/json"
    assert response.extensions["network_stream"].get_extra_info("ssl_object").version() == "TLSv1.3"


def test_client_that_does_not_know_the_ca_is_refused(web_server: WebServer) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(web_server.url("/prices"))
    assert web_server.requests == []


def test_tls_1_2_is_refused_unless_it_was_asked_for(
    web_server: WebServer, web_servers: WebServers, private_ca: PrivateCa
) -> None:
    old = private_ca.client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError):
        httpx.get(web_server.url("/"), verify=old)
    with web_servers.serve(minimum=ssl.TLSVersion.TLSv1_2) as tolerant:
        assert httpx.get(tolerant.url("/"), verify=old).status_code == HTTPStatus.NOT_FOUND


def test_plain_http_is_served_too(plain_web_server: WebServer) -> None:
    plain_web_server.add("/", text_reply("plain"))
    assert httpx.get(plain_web_server.url("/")).text == "plain"


def test_requests_are_kept_to_look_at(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/prices/*", lambda request: json_reply(request.json()))
    assert client.post("/prices/eod?page=2&tag=a&tag=b&empty=", json={"isin": "037833100"}).json() == {
        "isin": "037833100"
    }
    client.get("/elsewhere", headers={"X-Run": "7"})
    posted, other = web_server.requests
    assert (posted.method, posted.path) == ("POST", "/prices/eod")
    assert posted.query == {"page": ["2"], "tag": ["a", "b"], "empty": [""]}
    assert posted.parameter("page") == "2"
    assert other.headers["x-run"] == "7"
    assert web_server.requests_to("/elsewhere") == [other]


def test_connections_are_kept_alive(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", json_reply({}))
    for _ in range(3):
        client.get("/")
    assert (web_server.connection_count, len(web_server.requests)) == (1, 3)


def test_longest_covering_route_answers(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/a/*", text_reply("short"))
    web_server.add("/a/b/*", text_reply("long"))
    web_server.add("/a/b/c", text_reply("exact"))
    assert [client.get(path).text for path in ("/a/x", "/a/b/x", "/a/b/c")] == ["short", "long", "exact"]
    assert client.get("/other").status_code == HTTPStatus.NOT_FOUND


def test_quota_then_success(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", in_turn(too_many_requests(retry_after_seconds=1.5), error_reply(503), json_reply([])))
    first = client.get("/")
    assert (first.status_code, first.headers["retry-after"]) == (429, "1.5")
    assert [client.get("/").status_code for _ in range(3)] == [503, 200, 200]


def test_html_comes_where_json_is_due(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", html_page())
    response = client.get("/")
    assert response.status_code == HTTPStatus.OK
    with pytest.raises(ValueError, match="Expecting value"):
        response.json()


def test_hanging_reply_ends_with_the_server(web_servers: WebServers, private_ca: PrivateCa) -> None:
    with web_servers.serve() as server:
        server.add("/", Hang())
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(server.url("/"), verify=private_ca.client_context(), timeout=0.2)
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_cut_body_arrives_in_part(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", CutReply(Answer(b"0123456789" * 10), after_bytes=35))
    received: list[bytes] = []
    with client.stream("GET", "/") as response, pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        received.extend(response.iter_bytes())
    assert b"".join(received) == (b"0123456789" * 10)[:35]


def test_reset_connection_gives_no_answer(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", ResetConnection())
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.get("/")
    assert len(web_server.requests) == 1


def test_slow_body_comes_in_pieces(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", SlowReply(text_reply("abcdef"), pause_seconds=0.05, chunk_bytes=2))
    began = time.monotonic()
    with client.stream("GET", "/") as response:
        assert list(response.iter_raw()) == [b"ab", b"cd", b"ef"]
    assert time.monotonic() - began >= 0.15


def test_silent_client_does_not_stop_the_others(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/", text_reply("here"))
    with socket.create_connection(("127.0.0.1", web_server.port)):
        assert client.get("/").text == "here"


def test_route_that_raises_fails_the_test(web_servers: WebServers) -> None:
    def broken(request: Request) -> Answer:
        raise LookupError(f"no rows for {request.path}")

    def use() -> None:
        with web_servers.serve(tls=False) as server:
            server.add("/prices", broken)
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(server.url("/prices"))

    with pytest.raises(ExceptionGroup, match="routes of the web server raised") as raised:
        use()
    assert str(raised.value.exceptions[0]) == "no rows for /prices"


def test_server_leaves_no_thread_behind(web_servers: WebServers, private_ca: PrivateCa) -> None:
    before = threading.active_count()
    with web_servers.serve() as server, httpx.Client(verify=private_ca.client_context()) as client:
        client.get(server.url("/"))
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_file_is_fetched_once_as_long_as_it_does_not_change(web_server: WebServer, client: httpx.Client) -> None:
    file = WebFile(b"isin,close\n", content_type="text/csv")
    web_server.add("/prices.csv", file)
    first = client.get("/prices.csv")
    known = {"If-None-Match": first.headers["etag"]}
    unchanged = client.get("/prices.csv", headers=known)
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", first.headers["etag"])
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert client.get("/prices.csv", headers=since).status_code == HTTPStatus.NOT_MODIFIED
    file.replace(b"isin,close\nUS0378331005,1\n", modified_at=datetime(2099, 1, 1, tzinfo=UTC))
    assert client.get("/prices.csv", headers=known).content == file.content
    assert client.get("/prices.csv", headers=since).status_code == HTTPStatus.OK


def test_head_gives_the_headers_of_get(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/prices.csv", WebFile(b"0123456789"))
    head = client.head("/prices.csv")
    assert (head.headers["content-length"], head.content) == ("10", b"")
    assert head.headers["etag"] == client.get("/prices.csv").headers["etag"]


@pytest.mark.parametrize(
    ("wanted", "status", "content", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=7-99", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=1-2,4-5", 200, b"0123456789", None),
    ],
)
def test_range_gives_the_part(
    web_server: WebServer, client: httpx.Client, wanted: str, status: int, content: bytes, content_range: str | None
) -> None:
    web_server.add("/file", WebFile(b"0123456789"))
    response = client.get("/file", headers={"Range": wanted})
    assert (response.status_code, response.content) == (status, content)
    assert response.headers.get("content-range") == content_range


def test_range_of_a_version_that_is_gone_gives_the_whole(web_server: WebServer, client: httpx.Client) -> None:
    file = WebFile(b"old")
    web_server.add("/file", file)
    etag = client.get("/file").headers["etag"]
    resumed = {"Range": "bytes=1-", "If-Range": etag}
    assert client.get("/file", headers=resumed).content == b"ld"
    file.replace(b"new")
    assert client.get("/file", headers=resumed).content == b"new"


def test_file_without_ranges_and_validators_is_sent_whole(web_server: WebServer, client: httpx.Client) -> None:
    web_server.add("/file", WebFile(b"0123456789", ranges=False, validators=False))
    response = client.get("/file", headers={"Range": "bytes=2-4", "If-None-Match": "*"})
    assert (response.status_code, len(response.content)) == (200, 10)
    assert "etag" not in response.headers


def test_token_is_given_for_credentials_in_either_place(web_server: WebServer, client: httpx.Client) -> None:
    tokens = TokenEndpoint(lifetime_seconds=60)
    web_server.add("/token", tokens)
    grant = {"grant_type": "client_credentials", "scope": "prices"}
    basic = (quote_plus(tokens.client_id), quote_plus(tokens.client_secret))
    by_header = client.post("/token", data=grant, auth=basic).json()
    body = {"client_id": tokens.client_id, "client_secret": tokens.client_secret}
    by_body = client.post("/token", data=grant | body).json()
    assert (by_header["token_type"], by_header["expires_in"], by_header["scope"]) == ("Bearer", 60, "prices")
    assert by_header["access_token"] != by_body["access_token"]
    assert tokens.issued == 2


def test_token_is_refused_with_the_error_of_the_rfc(web_server: WebServer, client: httpx.Client) -> None:
    tokens = TokenEndpoint()
    web_server.add("/token", tokens)
    wrong = client.post("/token", data={"grant_type": "client_credentials"}, auth=(tokens.client_id, "wrong"))
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    body = {"client_id": tokens.client_id, "client_secret": tokens.client_secret, "grant_type": "password"}
    assert client.post("/token", data=body).json() == {"error": "unsupported_grant_type"}
    assert client.get("/token").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert tokens.issued == 0


def test_protected_route_wants_a_token_that_has_not_expired(web_server: WebServer, client: httpx.Client) -> None:
    tokens = TokenEndpoint(lifetime_seconds=0.3)
    web_server.add("/token", tokens)
    web_server.add("/prices", tokens.protect(json_reply([1])))
    body = {"client_id": tokens.client_id, "client_secret": tokens.client_secret, "grant_type": "client_credentials"}

    def bearer() -> dict[str, str]:
        return {"Authorization": f"Bearer {client.post('/token', data=body).json()['access_token']}"}

    refused = client.get("/prices")
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
    first = bearer()
    assert client.get("/prices", headers=first).json() == [1]
    time.sleep(0.35)
    assert client.get("/prices", headers=first).status_code == HTTPStatus.UNAUTHORIZED
    second = bearer()
    tokens.revoke_all()
    assert client.get("/prices", headers=second).status_code == HTTPStatus.UNAUTHORIZED
