"""Signed API keys by the shipped templates: each signature is computed once more, by what the exchanges' pages say."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

from finport_ingestion.engine.auth.interface import Request
from finport_ingestion.engine.errors import ConfigError
from tests.conformance.auth.templates import templates
from tests.conformance.auth.user import Place, Rotating, User
from tests.conformance.sources.access import ManualClock, connection
from tests.services.web import WebServer
from tests.services.web_replies import Request as Seen
from tests.services.web_replies import json_reply

KEY, PASSPHRASE = "the-key", "pl4nted-passphrase"
PLAIN = "pl4nted-s3cret:/+%"
BASE64 = base64.b64encode(PLAIN.encode()).decode()

BINANCE, COINBASE, OKX, KRAKEN, BITFINEX = (
    templates()[f"hmac-{name}"] for name in ("binance", "coinbase", "okx", "kraken", "bitfinex")
)
KUCOIN = {
    **OKX,
    "signature": {"header": "KC-API-SIGN", "encoding": "base64"},
    "key": {"header": "KC-API-KEY"},
    "timestamp": {"unit": "milliseconds", "header": "KC-API-TIMESTAMP"},
    "passphrase": {"header": "KC-API-PASSPHRASE", "signed": True},
}
GATE = {
    "method": "hmac",
    "algorithm": "sha512",
    "payload": "{method}\n{path}\n{query}\n{digest}\n{timestamp}",
    "digest": {"algorithm": "sha512", "payload": "{body}", "encoding": "hex"},
    "signature": {"header": "SIGN"},
    "key": {"header": "KEY"},
    "timestamp": {"unit": "seconds", "header": "Timestamp"},
}


@pytest.fixture
def place(web_server: WebServer) -> Place:
    """Where the web server is trusted, at a time that stands still."""
    web_server.add("/*", json_reply([]))
    return Place(ca_file=web_server.ca_path, clock=ManualClock(), seconds=10_000)


def user(place: Place, options: dict[str, Any]) -> User:
    secret = BASE64 if options.get("secretEncoding") == "base64" else PLAIN
    spec = connection("http", login=KEY, secret=secret, extra={"passphrase": PASSPHRASE})
    return place.user(spec, {"method": "hmac", **options})


def sign(algorithm: str, text: bytes) -> bytes:
    return hmac.new(PLAIN.encode(), text, algorithm).digest()


def arrived(server: WebServer, place: Place, options: dict[str, Any], path: str, body: bytes = b"") -> tuple[Seen, str]:
    """The request as it came in, and its query as it stood on the wire."""
    user(place, options).ask(server.url(path), method="POST" if body else "GET", body=body)
    seen = server.requests[-1]
    return seen, seen.target.partition("?")[2]


def test_binance_signs_the_query_with_its_timestamp_and_the_body(web_server: WebServer, place: Place) -> None:
    seen, query = arrived(web_server, place, BINANCE, "/api/v3/order?symbol=LTCBTC&note=a%2Cb+c")
    signed, _, signature = query.rpartition("&signature=")
    assert signed == "symbol=LTCBTC&note=a%2Cb+c&timestamp=1704153600000"
    assert signature == sign("sha256", signed.encode()).hex()
    assert seen.headers["x-mbx-apikey"] == KEY
    _, query = arrived(web_server, place, BINANCE, "/api/v3/order?symbol=LTCBTC", b"side=BUY")
    assert parse_qs(query)["signature"] == [sign("sha256", b"symbol=LTCBTC&timestamp=1704153600000side=BUY").hex()]


def test_coinbase_signs_time_method_target_and_body(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, COINBASE, "/orders?before=2&limit=30", b'{"size": 1}')
    text = b'1704153600POST/orders?before=2&limit=30{"size": 1}'
    assert seen.headers["cb-access-sign"] == base64.b64encode(sign("sha256", text)).decode()
    assert (seen.headers["cb-access-timestamp"], seen.headers["cb-access-passphrase"]) == ("1704153600", PASSPHRASE)


def test_okx_writes_the_time_as_iso(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, OKX, "/api/v5/account/balance?ccy=BTC")
    text = b"2024-01-02T00:00:00.000ZGET/api/v5/account/balance?ccy=BTC"
    assert seen.headers["ok-access-sign"] == base64.b64encode(sign("sha256", text)).decode()
    assert seen.headers["ok-access-timestamp"] == "2024-01-02T00:00:00.000Z"


def test_kraken_signs_the_path_and_a_digest_of_nonce_and_form(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, KRAKEN, "/0/private/AddOrder", b"ordertype=limit&pair=XBTUSD")
    form = dict(parse_qsl(seen.body.decode()))
    digest = hashlib.sha256(form["nonce"].encode() + seen.body).digest()
    assert seen.body.startswith(b"nonce=")
    assert seen.headers["api-sign"] == base64.b64encode(sign("sha512", b"/0/private/AddOrder" + digest)).decode()
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


def test_krakens_own_example_gives_krakens_own_signature() -> None:
    # https://docs.kraken.com/api/docs/guides/spot-rest-auth
    secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    options = {**KRAKEN, "nonce": None, "digest": {"payload": "1616492376594{body}"}}
    signer = Place().user(connection("http", login=KEY, secret=secret), {"method": "hmac", **options}).signer
    body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    request = Request(method="POST", url="https://api.kraken.com/0/private/AddOrder", body=body)
    assert signer.signed(request).headers["API-Sign"] == (
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )


def test_binances_own_example_gives_binances_own_signature() -> None:
    # https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    signer = Place().user(
        connection("http", login=KEY, secret=secret), {"method": "hmac", **BINANCE, "timestamp": None}
    )
    query = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    signed = signer.signer.signed(Request(method="GET", url=f"https://api.binance.com/api/v3/order?{query}"))
    assert signed.url.endswith("&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")


def test_bitfinex_signs_another_path_than_it_is_asked_for(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, BITFINEX, "/v2/auth/r/wallets", b"{}")
    text = f"/api/v2/auth/r/wallets{seen.headers['bfx-nonce']}{{}}".encode()
    assert seen.headers["bfx-signature"] == sign("sha384", text).hex()


def test_kucoin_signs_the_passphrase_too(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, KUCOIN, "/api/v1/accounts")
    assert seen.headers["kc-api-passphrase"] == base64.b64encode(sign("sha256", PASSPHRASE.encode())).decode()


def test_gate_signs_lines_one_of_which_is_a_hash_of_the_body(web_server: WebServer, place: Place) -> None:
    seen, _ = arrived(web_server, place, GATE, "/api/v4/orders?status=open", b'{"a": 1}')
    text = "\n".join(["POST", "/api/v4/orders", "status=open", hashlib.sha512(b'{"a": 1}').hexdigest(), "1704153600"])
    assert seen.headers["sign"] == sign("sha512", text.encode()).hex()


def test_nonces_grow_also_when_the_clock_stands_still_or_goes_back(web_server: WebServer, place: Place) -> None:
    somebody = user(place, BITFINEX)
    for _ in range(3):
        somebody.ask(web_server.url("/v2/auth/r/wallets"))
        place.clock._now -= timedelta(seconds=1)
    nonces = [int(request.headers["bfx-nonce"]) for request in web_server.requests]
    assert nonces == sorted(set(nonces))


def test_a_rotated_key_is_read_once_more(web_server: WebServer, place: Place) -> None:
    rotating = Rotating(login="old", secret="old")

    def answer(request: Seen) -> Any:
        return json_reply(
            [], status=HTTPStatus.OK if request.headers["sign"] and request.headers["key"] == "new" else 401
        )

    web_server.add("/prices", answer)
    somebody = place.user(rotating.spec(), {"method": "hmac", **GATE})
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.UNAUTHORIZED
    rotating.set(login="new", secret="new")
    assert somebody.ask(web_server.url("/prices")).status == HTTPStatus.OK


def test_a_secret_that_is_not_written_as_stated_is_named_and_not_shown(place: Place) -> None:
    with pytest.raises(ConfigError, match="is not written in base64") as raised:
        place.user(
            connection("http", login=KEY, secret=PLAIN, extra={"passphrase": "p"}), {"method": "hmac", **COINBASE}
        )
    assert PLAIN not in str(raised.value)


@pytest.mark.parametrize("payload", ["{timestamp}{body}", "{digest}", "{nonce}", "{secret}"])
def test_a_payload_names_only_what_there_is(payload: str) -> None:
    with pytest.raises(ValueError, match="the payload names"):
        Place().user(None, {"method": "hmac", **BITFINEX, "nonce": None, "payload": payload})
