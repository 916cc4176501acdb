"""MongoDB as a source, on FerretDB: values, agreed types, increments, the way there, and bad days.

FerretDB has neither Decimal128 nor SCRAM: values that it cannot hold are tried in tests/unit/sources.
"""

from __future__ import annotations

import dataclasses
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from bson import Binary, Int64, ObjectId, Regex, Timestamp

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FormatError,
    PermanentError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.sources.mongodb import MongodbSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.ferretdb_server import SERVICE, FerretdbServer, start
from tests.services.plugin import StartService
from tests.services.process import free_port
from tests.services.service import Found, Workspace

LIMITS = ("seconds", "protection", "cursor", "start", "request_timeout_seconds")


class Collection:
    """The collection `prices` of an own database, as its owner sees it and as a source does."""

    def __init__(self, server: FerretdbServer, database: str) -> None:
        self.server = server
        self.database = database
        self.client = server.client()
        self.documents: Any = self.client[database]["prices"]

    def source(self, **options: Any) -> MongodbSource:
        limits = {name: options.pop(name) for name in LIMITS if name in options}
        spec: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.server.tls_port,
            "schema": self.database,
            "secret": None,
        }
        spec |= options.pop("spec", {})
        extra = {"ca_file": str(self.server.ca_path), **spec.pop("extra", {})}
        stated = MongodbSource.Options.model_validate({"protocol": "mongodb", "collection": "prices", **options})
        return MongodbSource(stated, access(connection("mongo", extra=extra, **spec), **limits))


@pytest.fixture
def prices(ferretdb: FerretdbServer, mongo_database: str) -> Iterator[Collection]:
    made = Collection(ferretdb, mongo_database)
    yield made
    made.client.close()


@pytest.fixture
def named(own_service: StartService) -> Iterator[Collection]:
    """On a server whose certificate bears a name and no address."""

    @contextmanager
    def start_named(workspace: Workspace, found: Found) -> Iterator[FerretdbServer]:
        with start(workspace, found, identities=("localhost",)) as server:
            yield server

    made = Collection(own_service(dataclasses.replace(SERVICE, start=start_named)), "test")
    yield made
    made.client.close()


def table(read: MongodbSource, after: Watermark | None = None) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(read.read(item))) for item in read.discover(after))


def ids(read: MongodbSource, after: Watermark | None = None) -> list[Any]:
    items = list(read.discover(after))
    return [identifier for item in items for batch in read.read(item) for identifier in batch.column("_id").to_pylist()]


def numbered(*days: int) -> list[dict[str, Any]]:
    return [{"_id": day, "at": datetime(2024, 1, day, tzinfo=UTC)} for day in days]


class TestValues:
    def test_every_kind_arrives_exactly(self, prices: Collection) -> None:
        uuid, oid = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ObjectId("65937a5f0000000000000001")
        moment = datetime(2024, 7, 2, 3, 4, 5, 678000, tzinfo=UTC)
        prices.documents.insert_one(
            {
                "_id": oid,
                "i4": 7,
                "i8": Int64(9007199254740993),
                "f": 0.1,
                "b": True,
                "t": "037833100",
                "d": moment,
                "raw": b"\x00\xff",
                "u": Binary.from_uuid(uuid),
                "doc": {"legs": [1, {"isin": "US0378331005", "at": moment}], "f": 1.5},
                "list": ["a", None],
                "regex": Regex("a.*", "i"),
                "ts": Timestamp(1704067200, 3),
                "nothing": None,
            }
        )
        found = table(prices.source())
        assert found.to_pylist() == [
            {
                "_id": str(oid),
                "i4": 7,
                "i8": 9007199254740993,
                "f": 0.1,
                "b": True,
                "t": "037833100",
                "d": moment,
                "raw": b"\x00\xff",
                "u": str(uuid),
                "doc": '{"legs":[1,{"isin":"US0378331005","at":"2024-07-02T03:04:05.678000+00:00"}],"f":1.5}',
                "list": '["a",null]',
                "regex": '{"$regularExpression": {"pattern": "a.*", "options": "i"}}',
                "ts": '{"$timestamp": {"t": 1704067200, "i": 3}}',
                "nothing": None,
            }
        ]
        kinds = {field.name: field.type for field in found.schema}
        assert kinds["i4"] == pa.int64()
        assert kinds["d"] == pa.timestamp("us", "UTC")

    def test_a_field_of_several_kinds_is_json_in_which_each_keeps_its_own(self, prices: Collection) -> None:
        kinds = [1, "1", 1.5, None, {"a": 1}, True]
        prices.documents.insert_many([{"_id": number, "v": value} for number, value in enumerate(kinds)])
        assert table(prices.source())["v"].to_pylist() == ["1", '"1"', "1.5", None, '{"a":1}', "true"]

    def test_whole_numbers_and_floats_are_floats_only_where_none_changes(self, prices: Collection) -> None:
        prices.documents.insert_many([{"_id": 1, "a": 1, "b": Int64(2**53 + 1)}, {"_id": 2, "a": 1.5, "b": 1.5}])
        found = table(prices.source())
        assert found["a"].to_pylist() == [1.0, 1.5]
        assert found["b"].to_pylist() == ["9007199254740993", "1.5"]

    def test_types_are_agreed_over_the_whole_slice_before_a_batch_is_given(self, prices: Collection) -> None:
        prices.documents.insert_many([{"_id": number, "v": number} for number in range(500)])
        prices.documents.insert_one({"_id": 500, "v": "last", "late": True})
        read = prices.source(fetchRows=100)
        (item,) = read.discover(None)
        batches = list(read.read(item))
        assert [batch.num_rows for batch in batches] == [100] * 5 + [1]
        assert {str(batch.schema) for batch in batches} == {str(batches[0].schema)}
        assert batches[0].column("v").to_pylist()[0] == "0"

    def test_more_fields_than_a_table_has_are_refused(self, prices: Collection) -> None:
        prices.documents.insert_one({"_id": 1, **{f"f{number}": number for number in range(20)}})
        read = prices.source(maxFields=10)
        with pytest.raises(FormatError, match="more than 10 different fields"):
            table(read)

    def test_a_filter_and_a_projection_leave_out(self, prices: Collection) -> None:
        prices.documents.insert_many([{**each, "note": "x"} for each in numbered(1, 2, 3)])
        read = prices.source(filter={"at": {"$gte": {"$date": "2024-01-02T00:00:00Z"}}}, projection={"note": False})
        found = table(read)
        assert found.schema.names == ["_id", "at"]
        assert found["_id"].to_pylist() == [2, 3]

    def test_an_empty_collection_is_an_empty_table(self, prices: Collection) -> None:
        prices.documents.insert_one({"_id": 1})
        prices.documents.delete_many({})
        assert table(prices.source()).num_rows == 0


class TestIncrements:
    def test_an_increment_begins_at_the_mark(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2, 3))
        read = prices.source(cursor="at")
        assert ids(read) == [1, 2, 3]
        mark = Watermark(field="at", value="2024-01-02T00:00:00+00:00", type="timestamp(UTC)")
        prices.documents.insert_many(numbered(4, 5))
        (item,) = read.discover(mark)
        assert item.id == "prices?since=2024-01-02T00:00:00+00:00"
        assert item.record_count == 4
        assert ids(read, mark) == [2, 3, 4, 5]

    @pytest.mark.parametrize(
        ("values", "value", "type_", "expected"),
        [
            ([1, 2, 3], "2", "integer", [1, 2]),
            ([0.1, 0.2, 0.3], "0.2", "float", [1, 2]),
            (["a", "b", "c"], "b", "text", [1, 2]),
            (
                [ObjectId(f"65937a5f000000000000000{number}") for number in (1, 2, 3)],
                "65937a5f0000000000000002",
                "text",
                [1, 2],
            ),
        ],
    )
    def test_every_kind_with_an_order_can_be_the_mark(
        self, prices: Collection, values: list[Any], value: str, type_: str, expected: list[int]
    ) -> None:
        prices.documents.insert_many([{"_id": number, "v": each} for number, each in enumerate(values)])
        read = prices.source(cursor="v")
        assert ids(read, Watermark(field="v", value=value, type=type_)) == expected

    def test_the_first_run_begins_at_the_stated_start(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2, 3))
        assert ids(prices.source(cursor="at", start="2024-01-02")) == [2, 3]
        with pytest.raises(ConfigError, match="holds a date, and 'soon' is none"):
            ids(prices.source(cursor="at", start="soon"))

    def test_nothing_behind_the_mark_is_no_item(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1))
        mark = Watermark(field="at", value="2024-01-02T00:00:00+00:00", type="timestamp(UTC)")
        assert list(prices.source(cursor="at").discover(mark)) == []

    def test_documents_behind_the_listed_end_wait(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2))
        read = prices.source(cursor="at")
        (item,) = read.discover(None)
        prices.documents.insert_many(numbered(3))
        assert [row for batch in read.read(item) for row in batch.column("_id").to_pylist()] == [1, 2]

    def test_a_whole_collection_is_what_it_was_when_it_was_listed(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2))
        read = prices.source()
        (item,) = read.discover(None)
        prices.documents.insert_many(numbered(3))
        assert [row for batch in read.read(item) for row in batch.column("_id").to_pylist()] == [1, 2]

    def test_identifiers_of_several_kinds_are_all_read(self, prices: Collection) -> None:
        prices.documents.insert_many([{"_id": 1}, {"_id": "a"}, {"_id": ObjectId("65937a5f0000000000000001")}])
        assert ids(prices.source()) == ["1", '"a"', '"65937a5f0000000000000001"']

    def test_documents_that_would_never_be_taken_are_an_error(self, prices: Collection) -> None:
        prices.documents.insert_many([*numbered(1), {"_id": 2}])
        with pytest.raises(PermanentError, match=r"missing or null in 1 document"):
            ids(prices.source(cursor="at"))
        prices.documents.replace_one({"_id": 2}, {"_id": 2, "at": "2024-01-02"})
        with pytest.raises(PermanentError, match="values of several kinds"):
            ids(prices.source(cursor="at"))

    def test_a_field_inside_another_is_refused(self, prices: Collection) -> None:
        with pytest.raises(ConfigError, match="lies inside another"):
            prices.source(cursor="meta.at")


class TestWays:
    def test_the_check_says_how_it_is_protected(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2))
        assert prices.source().check() == f"prices: {prices.database}.prices has about 2 documents, read over TLS."

    def test_plaintext_wants_permission(self, prices: Collection) -> None:
        spec = {"port": prices.server.port, "extra": {"tls": False}}
        with pytest.raises(ConfigError, match="would travel without TLS") as raised:
            prices.source(spec=spec).check()
        assert "allowPlaintext" in str(raised.value)
        assert prices.source(spec=spec, protection={"allow_plaintext": True}).check().endswith("without TLS.")

    def test_private_addresses_want_permission(self, prices: Collection) -> None:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            prices.source(protection={"allow_private_network": False}).check()

    def test_the_name_is_verified_although_the_driver_gets_an_address(self, named: Collection) -> None:
        named.documents.insert_one({"_id": 1})
        assert ids(named.source(spec={"host": "localhost"})) == [1]
        with pytest.raises(ConfigError, match="certificate is not trusted"):
            named.source(spec={"host": "127.0.0.1"}).check()

    def test_an_unknown_authority_is_not_trusted(self, prices: Collection) -> None:
        with pytest.raises(ConfigError, match="certificate is not trusted"):
            prices.source(protection={"ca_file": None}).check()

    def test_a_login_that_is_refused_is_for_a_person_and_in_no_text(self, prices: Collection) -> None:
        with pytest.raises(AccessDenied, match="the login is refused") as raised:
            prices.source(spec={"login": "finport", "secret": PLANTED_SECRET}).check()
        assert PLANTED_SECRET not in "".join(traceback.format_exception(raised.value))

    def test_another_server_of_the_deployment_is_used_when_one_is_down(self, prices: Collection) -> None:
        prices.documents.insert_one({"_id": 1})
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{prices.server.tls_port}"
        assert ids(prices.source(spec={"host": hosts, "port": None})) == [1]

    def test_there_is_no_way_through_a_proxy(self, prices: Collection) -> None:
        with pytest.raises(ConfigError, match="through no proxy"):
            prices.source(protection={"proxy": "http://127.0.0.1:1"}).check()

    @pytest.mark.parametrize("host", ["mongodb://127.0.0.1", "user@host", "a b"])
    def test_a_host_is_a_host(self, prices: Collection, host: str) -> None:
        with pytest.raises((ConfigError, SourceUnavailable)):
            prices.source(spec={"host": host}).check()


class TestBadDays:
    def test_a_server_that_dies_is_an_error_that_is_tried_again(self, own_service: StartService) -> None:
        server = own_service(SERVICE)
        prices = Collection(server, "test")
        prices.documents.insert_many([{"_id": number, "text": "x" * 1000} for number in range(20_000)])
        prices.client.close()
        read = prices.source(request_timeout_seconds=3, fetchRows=100)
        (item,) = read.discover(None)
        server.process.kill()
        with pytest.raises(SourceUnavailable):
            list(read.read(item))

    def test_a_silent_server_is_given_up(self, prices: Collection) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SourceUnavailable):
            prices.source(spec={"port": silent.getsockname()[1]}, request_timeout_seconds=0.3).check()

    def test_documents_that_are_taken_away_while_they_are_read_are_noticed(self, prices: Collection) -> None:
        prices.documents.insert_many(numbered(1, 2, 3))
        read = prices.source()
        (item,) = read.discover(None)
        prices.documents.delete_one({"_id": 2})
        with pytest.raises(SourceItemChanged, match="2 documents, 3 were listed"):
            list(read.read(item))

    def test_a_collection_that_is_not_there_is_missing(self, prices: Collection) -> None:
        read = prices.source(collection="other")
        (item,) = read.discover(None)
        with pytest.raises(SourceItemMissing, match="is not there"):
            list(read.read(item))

    def test_a_wrong_filter_is_the_documents_mistake(self, prices: Collection) -> None:
        prices.documents.insert_one({"_id": 1})
        with pytest.raises(ConfigError, match="refuses the query"):
            ids(prices.source(filter={"at": {"$nonsense": 1}}))
