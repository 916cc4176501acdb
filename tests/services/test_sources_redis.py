"""Redis as a source: streams that go on where they were, keys of every kind, logins, and bad days."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FormatError,
    PermanentError,
    SourceItemChanged,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.redis_keys import RedisSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.plugin import StartService
from tests.services.redis_server import SERVICE, RedisServer
from tests.unit.network.proxies import recording_proxy

LIMITS = ("seconds", "protection", "cursor", "request_timeout_seconds")


class Redis:
    """An empty database, as its owner sees it and as a source does."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.client: Any = redis.Redis.from_url(server.url)

    def source(self, **options: Any) -> RedisSource:
        limits = {name: options.pop(name) for name in LIMITS if name in options}
        spec: dict[str, Any] = {"host": "127.0.0.1", "port": self.server.tls_port, "secret": self.server.password}
        spec |= options.pop("spec", {})
        extra = {"ca_file": str(self.server.ca_path), **spec.pop("extra", {})}
        stated = RedisSource.Options.model_validate({"protocol": "redis", **options})
        return RedisSource(stated, access(connection("redis", extra=extra, **spec), **limits))


@pytest.fixture
def database(redis_server: RedisServer) -> Iterator[Redis]:
    redis_server.empty()
    made = Redis(redis_server)
    yield made
    made.client.close()


def rows(read: RedisSource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        row for item in read.discover(None) for batch in read.read(item) for row in batch.to_pylist()
    ]
    return found


def names(read: RedisSource, items: list[SourceItem]) -> list[str]:
    """The field `n` of all entries."""
    batches = [batch for item in items for batch in read.read(item)]
    return [row["n"] for batch in batches if "n" in batch.schema.names for row in batch.to_pylist()]


class TestStreams:
    def test_an_entry_is_a_row_with_its_id_and_its_fields(self, database: Redis) -> None:
        moment = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
        database.client.xadd("trades", {"symbol": "IBM", "price": "1.10"}, id="1704164645678-7")
        database.client.xadd("trades", {"symbol": "MSFT", "note": "ü"}, id="1704164645678-12")
        database.client.xadd("trades", {"symbol": "X"}, id="9999999999999999-1")
        assert rows(database.source(stream="trades")) == [
            {"entry_id": "1704164645678-7", "entry_at": moment, "symbol": "IBM", "price": "1.10", "note": None},
            {"entry_id": "1704164645678-12", "entry_at": moment, "symbol": "MSFT", "price": None, "note": "ü"},
            {"entry_id": "9999999999999999-1", "entry_at": None, "symbol": "X", "price": None, "note": None},
        ]

    def test_a_field_that_comes_twice_or_has_a_name_of_ours_is_numbered(self, database: Redis) -> None:
        database.client.execute_command("XADD", "trades", "5-1", "a", "1", "a", "2", "entry_id", "x")
        (row,) = rows(database.source(stream="trades"))
        assert (row["a"], row["a_2"], row["entry_id"], row["entry_id_2"]) == ("1", "2", "5-1", "x")

    def test_bytes_are_read_as_bytes_and_refused_as_text(self, database: Redis) -> None:
        database.client.xadd("trades", {"raw": b"\x00\xff"}, id="5-1")
        with pytest.raises(FormatError, match="entry 5-1, field 'raw' is no text") as raised:
            rows(database.source(stream="trades"))
        assert "values: binary" in str(raised.value)
        (row,) = rows(database.source(stream="trades", values="binary"))
        assert row["raw"] == b"\x00\xff"

    def test_reading_goes_on_behind_the_last_entry(self, database: Redis) -> None:
        for number in range(1, 6):
            database.client.xadd("trades", {"n": str(number)}, id=f"100-{number}")
        read = database.source(stream="trades")
        items = list(read.discover(None))
        place = read.reached(items)
        assert list(read.discover(place)) == []
        database.client.xadd("trades", {"n": "6"}, id="100-10")
        (item,) = read.discover(place)
        assert item.id == "trades?after=100-5"
        assert names(read, [item]) == ["6"]
        # What was listed stays what it was.
        assert names(read, items) == ["1", "2", "3", "4", "5"]

    def test_entries_added_behind_the_listed_end_wait(self, database: Redis) -> None:
        database.client.xadd("trades", {"n": "1"}, id="1-1")
        read = database.source(stream="trades")
        items = list(read.discover(None))
        database.client.xadd("trades", {"n": "2"}, id="1-2")
        assert names(read, items) == ["1"]
        assert names(read, list(read.discover(read.reached(items)))) == ["2"]

    @pytest.mark.parametrize("start", ["2-0", "1970-01-01T00:00:00.002Z"])
    def test_a_stream_begins_where_the_document_says(self, database: Redis, start: str) -> None:
        for number in range(1, 4):
            database.client.xadd("trades", {"n": str(number)}, id=f"{number}-0")
        read = database.source(stream="trades", start=start)
        assert names(read, list(read.discover(None))) == ["2", "3"]

    def test_the_latest_is_remembered_although_nothing_is_read(self, database: Redis) -> None:
        database.client.xadd("trades", {"n": "1"}, id="1-0")
        read = database.source(stream="trades", start="latest")
        items = list(read.discover(None))
        assert names(read, items) == []
        database.client.xadd("trades", {"n": "2"}, id="2-0")
        assert names(read, list(read.discover(read.reached(items)))) == ["2"]

    def test_a_large_stream_is_read_page_by_page(self, database: Redis) -> None:
        with database.client.pipeline(transaction=False) as pipeline:
            for number in range(1, 5001):
                pipeline.xadd("trades", {"n": str(number)}, id=f"{number}-0")
            pipeline.execute()
        read = database.source(stream="trades", start="3-0", fetchRows=100)
        (item,) = read.discover(None)
        assert names(read, [item]) == [str(number) for number in range(3, 5001)]

    def test_entries_that_were_trimmed_unread_are_an_error_unless_the_document_says_otherwise(
        self, database: Redis
    ) -> None:
        read = database.source(stream="trades")
        for number in range(1, 3):
            database.client.xadd("trades", {"n": str(number)}, id=f"{number}-0")
        place = read.reached(list(read.discover(None)))
        for number in range(3, 6):
            database.client.xadd("trades", {"n": str(number)}, id=f"{number}-0")
        database.client.xtrim("trades", minid="5-0", approximate=False)
        with pytest.raises(PermanentError, match="2 entries behind 2-0 were taken away") as raised:
            list(read.discover(place))
        assert "gaps: skip" in str(raised.value)
        going_on = database.source(stream="trades", gaps="skip")
        assert names(going_on, list(going_on.discover(place))) == ["5"]

    def test_what_was_trimmed_after_it_was_read_is_no_gap(self, database: Redis) -> None:
        read = database.source(stream="trades")
        for number in range(1, 3):
            database.client.xadd("trades", {"n": str(number)}, id=f"{number}-0")
        place = read.reached(list(read.discover(None)))
        database.client.xadd("trades", {"n": "3"}, id="3-0")
        database.client.xtrim("trades", minid="3-0", approximate=False)
        assert names(read, list(read.discover(place))) == ["3"]

    def test_a_stream_that_was_made_anew_is_not_taken_for_the_old_one(self, database: Redis) -> None:
        read = database.source(stream="trades")
        database.client.xadd("trades", {"n": "1"}, id="5-0")
        place = read.reached(list(read.discover(None)))
        database.client.delete("trades")
        database.client.xadd("trades", {"n": "1"}, id="4-0")
        with pytest.raises(PermanentError, match="deleted and made anew"):
            list(read.discover(place))

    def test_entries_that_are_trimmed_before_they_are_read_are_noticed(self, database: Redis) -> None:
        read = database.source(stream="trades")
        database.client.xadd("trades", {"n": "0"}, id="1-0")
        place = read.reached(list(read.discover(None)))
        for number in range(2, 5):
            database.client.xadd("trades", {"n": str(number)}, id=f"{number}-0")
        items = list(read.discover(place))
        database.client.xtrim("trades", minid="3-0", approximate=False)
        with pytest.raises(SourceItemChanged, match="taken away since it was listed"):
            names(read, items)

    def test_incremental_by_a_field_is_refused(self, database: Redis) -> None:
        with pytest.raises(ConfigError, match="incremental by 'price'"):
            database.source(stream="trades", cursor="price")

    @pytest.mark.parametrize("start", ["now", "1-2-3", "2024-13-01"])
    def test_a_start_is_an_id_or_a_moment(self, start: str) -> None:
        with pytest.raises(ValueError, match="earliest, latest, an id"):
            RedisSource.Options.model_validate({"protocol": "redis", "stream": "a", "start": start})


class TestKeys:
    def test_hashes_give_a_row_each(self, database: Redis) -> None:
        database.client.hset("price:b", mapping={"close": "1.10", "key": "own"})
        database.client.hset("price:a", mapping={"close": "2.20", "open": "2"})
        database.client.set("price:c", "no hash")
        assert rows(database.source(keys="price:*", kind="hash")) == [
            {"key": "price:a", "close": "2.20", "open": "2", "key_2": None},
            {"key": "price:b", "close": "1.10", "open": None, "key_2": "own"},
        ]

    def test_strings(self, database: Redis) -> None:
        for name in ("a", "b", "c"):
            database.client.set(f"rate:{name}", name * 2)
        found = rows(database.source(keys="rate:*", kind="string", fetchRows=2))
        assert [(row["key"], row["value"]) for row in found] == [("rate:a", "aa"), ("rate:b", "bb"), ("rate:c", "cc")]

    def test_binary_keys_and_values(self, database: Redis) -> None:
        database.client.set(b"\xff", b"\x00")
        with pytest.raises(FormatError):
            rows(database.source(keys="*", kind="string"))
        assert rows(database.source(keys="*", kind="string", values="binary")) == [{"key": b"\xff", "value": b"\x00"}]

    def test_lists_sets_and_sorted_sets_give_a_row_a_member(self, database: Redis) -> None:
        database.client.rpush("l", "x", "y", "x")
        database.client.sadd("s", "q", "p")
        database.client.zadd("z", {"high": 1e300, "low": 0.1, "least": float("-inf")})
        assert [(row["index"], row["value"]) for row in rows(database.source(keys="l", kind="list"))] == [
            (0, "x"),
            (1, "y"),
            (2, "x"),
        ]
        assert [row["member"] for row in rows(database.source(keys="s", kind="set"))] == ["p", "q"]
        ranked = rows(database.source(keys="z", kind="sortedSet"))
        assert [(row["rank"], row["member"], row["score"]) for row in ranked] == [
            (0, "least", float("-inf")),
            (1, "low", 0.1),
            (2, "high", 1e300),
        ]

    def test_no_key_is_no_item(self, database: Redis) -> None:
        assert list(database.source(keys="price:*", kind="hash").discover(None)) == []

    def test_keys_beyond_the_limit_are_refused(self, database: Redis) -> None:
        database.client.mset({f"k{number}": "" for number in range(11)})
        with pytest.raises(PermanentError, match="more than 10 keys"):
            rows(database.source(keys="k*", kind="string", maxKeys=10))

    def test_fields_beyond_the_limit_are_refused(self, database: Redis) -> None:
        database.client.hset("h", mapping={f"f{number}": "" for number in range(20)})
        with pytest.raises(FormatError, match="more than 10 different fields"):
            rows(database.source(keys="h", kind="hash", maxFields=10))

    def test_all_keys_of_many_are_read_once(self, database: Redis) -> None:
        database.client.mset({f"k{number:05d}": str(number) for number in range(5000)})
        found = rows(database.source(keys="k*", kind="string"))
        assert [row["value"] for row in found] == [str(number) for number in range(5000)]


class TestWays:
    def test_an_acl_user_reads_only_what_is_granted(self, database: Redis) -> None:
        database.client.acl_setuser(
            "narrow", enabled=True, passwords=["+narrow-pw"], keys=["other:*"], categories=["+@read", "+@connection"]
        )
        try:
            spec = {"login": "narrow", "secret": "narrow-pw"}
            database.client.xadd("trades", {"n": "1"})
            with pytest.raises(AccessDenied, match="may not be read by this login"):
                rows(database.source(stream="trades", spec=spec))
        finally:
            database.client.acl_deluser("narrow")

    def test_a_wrong_password_is_for_a_person_and_in_no_text(self, database: Redis) -> None:
        with pytest.raises(AccessDenied, match="the login is refused") as raised:
            database.source(stream="trades", spec={"secret": PLANTED_SECRET}).check()
        assert PLANTED_SECRET not in "".join(traceback.format_exception(raised.value))

    def test_no_login_is_for_a_person(self, database: Redis) -> None:
        with pytest.raises(AccessDenied, match="the login is refused"):
            database.source(stream="trades", spec={"secret": None}).check()

    def test_plaintext_wants_permission(self, database: Redis) -> None:
        plain = {"port": database.server.port, "extra": {"tls": False}}
        with pytest.raises(ConfigError, match="would travel without TLS") as raised:
            database.source(stream="trades", spec=plain).check()
        assert "allowPlaintext" in str(raised.value)
        database.client.xadd("trades", {"n": "1"})
        read = database.source(stream="trades", spec=plain, protection={"allow_plaintext": True})
        assert read.check() == "prices: stream trades: 1 entries."

    def test_private_addresses_want_permission(self, database: Redis) -> None:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            database.source(stream="trades", protection={"allow_private_network": False}).check()

    def test_an_unknown_authority_is_not_trusted(self, database: Redis) -> None:
        with pytest.raises(ConfigError, match="certificate is not trusted"):
            database.source(stream="trades", protection={"ca_file": None}).check()

    def test_it_goes_through_the_sources_proxy(self, database: Redis) -> None:
        database.client.xadd("trades", {"n": "1"})
        with recording_proxy(towards=("127.0.0.1", database.server.tls_port)) as proxy:
            way = {"proxy": f"http://127.0.0.1:{proxy.port}"}
            assert database.source(stream="trades", protection=way).check() == "prices: stream trades: 1 entries."
        assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{database.server.tls_port} ")

    def test_another_database_is_another_database(self, database: Redis) -> None:
        database.client.set("k", "0")
        assert list(database.source(keys="k", kind="string", spec={"schema": "1"}).discover(None)) == []
        with pytest.raises(ConfigError, match="no such database"):
            database.source(keys="k", kind="string", spec={"schema": "99"}).check()

    @pytest.mark.parametrize("options", [{}, {"stream": "a", "keys": "b", "kind": "hash"}, {"keys": "b"}])
    def test_a_document_says_one_thing(self, options: dict[str, str]) -> None:
        with pytest.raises(ValueError, match=r"stream|kind"):
            RedisSource.Options.model_validate({"protocol": "redis", **options})


class TestBadDays:
    def test_a_server_that_dies_while_it_is_read_is_an_error_that_is_tried_again(
        self, own_service: StartService
    ) -> None:
        server = own_service(SERVICE)
        database = Redis(server)
        with database.client.pipeline(transaction=False) as pipeline:
            for number in range(5000):
                pipeline.xadd("trades", {"n": str(number)})
            pipeline.execute()
        read = database.source(stream="trades")
        (item,) = read.discover(None)
        server.process.kill()
        with pytest.raises(SourceUnavailable):
            list(read.read(item))

    def test_a_silent_server_is_given_up(self, database: Redis) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            spec = {"port": silent.getsockname()[1]}
            with pytest.raises(SourceUnavailable):
                database.source(stream="trades", spec=spec, request_timeout_seconds=0.3).check()

    def test_a_key_of_another_kind_is_told(self, database: Redis) -> None:
        database.client.set("trades", "no stream")
        with pytest.raises(ConfigError, match="another kind of value"):
            list(database.source(stream="trades").discover(None))

    def test_an_item_is_the_whole_stream_or_nothing(self, database: Redis) -> None:
        assert list(database.source(stream="trades").discover(None)) == []
        database.client.xadd("trades", {"n": "1"})
        (item,) = database.source(stream="trades").discover(None)
        assert item == SourceItem(id="trades", record_count=1, slice=item.slice)
