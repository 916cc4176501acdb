"""A WebSocket as a source: windows, how they end, and connections that are lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.sources.websocket import WebsocketSource
from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.websocket_server import WebsocketServer, WebsocketServers
from tests.services.websocket_source import END, STOP, rows, sending, source, values

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection


class TestWindows:
    def test_a_message_is_a_row_with_its_number_and_when_it_came(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending('{"price": 1.10}', b"\xff\x00", "no JSON", END))
        before = datetime.now(UTC)
        found = rows(source(websocket_server, stop=STOP, fields={"price": "decimal(18,4)"}))
        assert [row["sequence"] for row in found] == [1, 2, 3, 4]
        assert [row["kind"] for row in found] == ["text", "binary", "text", "text"]
        assert [row["value"] for row in found] == ['{"price": 1.10}', None, None, END]
        assert [row["undecoded"] for row in found] == [None, b"\xff\x00", b"no JSON", None]
        assert [row["price"] for row in found] == [Decimal("1.1000"), None, None, None]
        assert {row["connection"] for row in found} == {1}
        assert {row["gap_seconds"] for row in found} == {None}
        moments = [row["received_at"] for row in found]
        assert before <= moments[0] <= moments[-1] <= datetime.now(UTC)

    def test_what_is_subscribed_to_is_sent_in_order(self, websocket_server: WebsocketServer) -> None:
        async def script(connection: ServerConnection) -> None:
            for _ in range(3):
                await websocket_server.subscription(connection)
            await connection.send(END)
            await connection.recv()

        websocket_server.add("/ws", script)
        read = source(
            websocket_server,
            stop=STOP,
            spec={"login": "finport", "secret": PLANTED_SECRET},
            authenticate={"action": "auth", "key": "{login}", "secret": "{password}"},
            subscribe=[{"op": "subscribe", "channels": ["ü"]}, "PING"],
        )
        assert values(read) == [END]
        assert websocket_server.received == [
            f'{{"action": "auth", "key": "finport", "secret": "{PLANTED_SECRET}"}}',
            '{"op": "subscribe", "channels": ["ü"]}',
            "PING",
        ]

    def test_a_window_ends_with_its_time(self, websocket_server: WebsocketServer) -> None:
        async def script(connection: ServerConnection) -> None:
            await connection.send("1")
            await asyncio.sleep(1)
            await connection.send("2")
            await connection.recv()

        websocket_server.add("/ws", script)
        began = datetime.now(UTC)
        assert values(source(websocket_server, window="3s")) == ["1", "2"]
        assert datetime.now(UTC) - began >= timedelta(seconds=3)

    def test_a_window_ends_with_its_last_message(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending(*(str(number) for number in range(100))))
        assert values(source(websocket_server, maxMessages=10)) == [str(number) for number in range(10)]

    def test_a_window_ends_when_the_server_says_that_it_is_done(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", lambda connection: connection.send("1"))
        assert values(source(websocket_server)) == ["1"]

    def test_a_window_without_a_message_is_an_empty_table(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending())
        read = source(websocket_server, window="1s")
        (item,) = read.discover(None)
        (batch,) = read.read(item)
        assert batch.num_rows == 0

    def test_messages_come_in_batches(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending(*(str(number) for number in range(250)), END))
        read = source(websocket_server, stop=STOP, fetchRows=100)
        (item,) = read.discover(None)
        assert [batch.num_rows for batch in read.read(item)] == [100, 100, 51]

    def test_each_window_is_an_item_of_its_own_and_takes_no_other_ones_place(
        self, websocket_server: WebsocketServer
    ) -> None:
        websocket_server.add("/ws", sending(END))
        read = source(websocket_server)
        (one,), (other,) = read.discover(None), read.discover(None)
        assert one.id != other.id
        assert one.id.startswith("/ws@20")
        assert read.replaces(None) is Replaces.ITEMS

    def test_incremental_is_refused(self, websocket_server: WebsocketServer) -> None:
        with pytest.raises(ConfigError, match="cannot be asked from"):
            source(websocket_server, cursor="received_at")

    def test_the_stop_rule_is_a_jmespath(self) -> None:
        with pytest.raises(ValueError, match="JMESPath"):
            WebsocketSource.Options.model_validate({"protocol": "websocket", "stop": "[[["})


class TestLostConnections:
    def test_a_lost_connection_is_opened_and_subscribed_again_and_the_gap_is_told(
        self, websocket_server: WebsocketServer
    ) -> None:
        async def script(connection: ServerConnection) -> None:
            await websocket_server.subscription(connection)
            if len(websocket_server.received) == 1:
                await connection.send("1")
                connection.transport.abort()
                return
            await connection.send("2")
            await connection.send(END)
            await connection.recv()

        websocket_server.add("/ws", script)
        found = rows(source(websocket_server, subscribe=["please"], stop=STOP))
        assert [(row["value"], row["sequence"], row["connection"]) for row in found] == [
            ("1", 1, 1),
            ("2", 2, 2),
            (END, 3, 2),
        ]
        first, behind, last = (row["gap_seconds"] for row in found)
        assert first is None
        assert behind > 0
        assert last is None
        assert websocket_server.received == ["please", "please"]

    def test_a_server_that_goes_away_is_asked_again(self, websocket_server: WebsocketServer) -> None:
        async def script(connection: ServerConnection) -> None:
            if len(websocket_server.opened) <= 2:  # the listing has opened one
                await connection.close(1001)
                return
            await connection.send(END)
            await connection.recv()

        websocket_server.add("/ws", script)
        assert values(source(websocket_server, stop=STOP)) == [END]

    def test_a_connection_that_is_lost_too_often_is_an_error_that_is_tried_again(
        self, websocket_server: WebsocketServer
    ) -> None:
        websocket_server.add("/ws", lambda connection: connection.close(1011))
        with pytest.raises(SourceUnavailable, match="lost 3 times in one window"):
            rows(source(websocket_server, reconnects=2))

    def test_a_server_that_dies_in_a_window_is_an_error_that_is_tried_again(
        self, websocket_servers: WebsocketServers
    ) -> None:
        with websocket_servers.serve() as server:
            server.add("/ws", sending("1"))
            read = source(server, reconnects=2)
            (item,) = read.discover(None)
            batches = read.read(item)
        with pytest.raises(SourceUnavailable):
            list(batches)

    @pytest.mark.parametrize("code", [1008, 3000, 3003])
    def test_a_server_that_ends_it_because_of_who_asks_is_for_a_person(
        self, websocket_server: WebsocketServer, code: int
    ) -> None:
        websocket_server.add("/ws", lambda connection: connection.close(code))
        with pytest.raises(AccessDenied, match=str(code)):
            rows(source(websocket_server))

    def test_a_message_that_is_too_large_is_told(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending("x" * 2000))
        with pytest.raises(ConfigError, match="too large"):
            rows(source(websocket_server, maxMessageBytes=1000))

    def test_pings_are_answered(self, websocket_server: WebsocketServer) -> None:
        async def script(connection: ServerConnection) -> None:
            await (await connection.ping())
            await connection.send(END)
            await connection.recv()

        websocket_server.add("/ws", script)
        assert values(source(websocket_server, stop=STOP)) == [END]

    def test_the_deadline_ends_a_window(self, websocket_server: WebsocketServer) -> None:
        websocket_server.add("/ws", sending("1"))
        with pytest.raises(DeadlineExceeded):
            rows(source(websocket_server, window="1h", seconds=1.5))
