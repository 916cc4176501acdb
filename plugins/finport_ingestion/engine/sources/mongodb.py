"""A collection of MongoDB, as one table.

```yaml
source:
  protocol: mongodb
  connection: quotes        # host[:port], login, password; extra: {srv, auth_source, auth_mechanism, ca_file}
  database: market
  collection: prices
  filter: {venue: XNYS, day: {$gte: {$date: "2024-01-01T00:00:00Z"}}}
```

The fields of the documents become columns, whose types are agreed over the whole slice before a row is given: the
documents are read once, kept in a temporary file while their fields are looked at, and then written. Decimal128 is a
decimal, dates are moments in UTC, ObjectId and UUID are text, documents and lists JSON. A field with values of several
kinds is JSON too, in which each keeps its own.

The driver is given one checked address and finds no other servers by itself; it goes through no proxy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from finport_ingestion.engine.errors import (
    ConfigError,
    FormatError,
    PermanentError,
    SourceItemChanged,
    SourceItemMissing,
)
from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa
    from pymongo.collection import Collection

    from finport_ingestion.engine.sources.found.spill import Spill

_ID = "_id"
_SINCE, _UNTIL, _LAST = "since", "until", "last"


class MongodbOptions(SourceOptions):
    """A collection, or what a filter leaves of it."""

    protocol: Literal["mongodb"]
    database: str | None = Field(default=None, description="The connection's schema by default.", min_length=1)
    collection: str = Field(description="Whose documents are read.", min_length=1)
    filter: dict[str, Any] = Field(default_factory=dict, description="A query, in MongoDB's Extended JSON v2.")
    projection: dict[str, bool] = Field(default_factory=dict, description="Which fields, e.g. `{notes: false}`.")
    fetch_rows: int = Field(default=10_000, gt=0, description="Documents of a batch.")
    max_fields: int = Field(default=1_000, gt=0, description="Most different fields of all documents.")


class MongodbSource:
    """See the module. The item is the collection, or what it holds from the watermark on."""

    Options = MongodbOptions

    def __init__(self, options: MongodbOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: No database is named, or the incremental field lies inside another.
        """
        self._options = options
        self._access = access
        self._database = options.database or (access.connection.schema if access.connection else None) or ""
        if not self._database:
            raise ConfigError(f"{access.source}: no database.", hint="state 'database', or the connection's schema")
        if access.cursor and "." in access.cursor:
            raise ConfigError(
                f"{access.source}: the incremental field '{access.cursor}' lies inside another.",
                hint="use a field of the document itself",
            )
        self._what = f"{access.source}: {self._database}.{options.collection}"

    def check(self) -> str:
        """Log in and count. Raises as the protocol of sources says."""
        from finport_ingestion.engine.sources.mongo.connect import reached

        with reached(self._access, what=self._what) as client:
            count = self._collection(client).estimated_document_count()
            tls = "without TLS" if client.options.pool_options._ssl_context is None else "over TLS"  # noqa: SLF001
        return f"{self._what} has about {count} documents, read {tls}."

    def replaces(self, after: Watermark | None) -> Replaces:
        """The whole collection stands in for what was taken before; an increment for nothing."""
        return Replaces.SOURCE if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """One item; none where nothing stands at or behind the watermark.

        Raises:
            PermanentError: The incremental field is missing in a document, or has values of several kinds: such
                documents would never be taken.
        """
        from finport_ingestion.engine.sources.mongo.connect import reached
        from finport_ingestion.engine.sources.mongo.values import spelled

        with reached(self._access, what=self._what) as client:
            collection = self._collection(client)
            since = self._since(collection, after)
            part = {} if since is None else {_SINCE: spelled(since)}
            part |= {name: spelled(end) for name, end in self._ends(collection, part).items() if end is not None}
            count = collection.count_documents(self._query(part))
        if count == 0 and after is not None:
            return
        begins = "" if since is None else f"?since={after.value if after else self._access.start}"
        yield SourceItem(id=f"{self._options.collection}{begins}", record_count=count, slice=part)

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The documents of the item, by the incremental field and `_id`; at least one batch, maybe empty.

        Raises:
            SourceItemChanged: They are not as many as were listed.
            SourceItemMissing: There is no such collection.
            FormatError: They have more fields than `maxFields`, or one is no valid BSON.
        """
        from finport_ingestion.engine.sources.found.fields import FieldsSeen, batches
        from finport_ingestion.engine.sources.found.spill import Spill

        seen = FieldsSeen(what=self._what, most=self._options.max_fields, first=(_ID,))
        with Spill(what=self._what) as spill:
            count = self._fetch(item, spill, seen)
            if item.record_count not in (None, count):
                raise SourceItemChanged(
                    f"{self._what} has {count} documents, {item.record_count} were listed.",
                    hint="it changes while it is read; the next try lists it anew, 'incremental' takes less at a time",
                )
            records = (_record(each, what=self._what) for each in spill)
            for batch in batches(records, seen.types(), rows=self._options.fetch_rows):
                self._access.deadline.check()
                yield batch

    def _fetch(self, item: SourceItem, spill: Spill, seen: Any) -> int:
        """Read the documents into the spill; how many there were."""
        from finport_ingestion.engine.sources.mongo.connect import reached

        order = [(name, 1) for name in dict.fromkeys(filter(None, (self._access.cursor, _ID)))]
        count = 0
        with reached(self._access, what=self._what) as client:
            collection = self._collection(client, raw=True)
            self._refuse_missing(client)
            found = collection.find(
                self._query(item.slice), self._options.projection or None, batch_size=self._options.fetch_rows
            ).sort(order)
            with found.max_time_ms(self._milliseconds()) as documents:
                for count, document in enumerate(documents, start=1):  # noqa: B007
                    self._access.deadline.check()
                    spill.write(document.raw)
                    seen.see(_record(document.raw, what=self._what))
        return count

    def _refuse_missing(self, client: Any) -> None:
        names = client[self._database].list_collection_names(filter={"name": self._options.collection})
        if not names:
            raise SourceItemMissing(
                f"{self._what} is not there.", hint="check 'database' and 'collection', and the login's rights"
            )

    def _since(self, collection: Collection[Any], after: Watermark | None) -> Any:
        """Where to begin, as a value of the incremental field; None for the beginning."""
        from finport_ingestion.engine.sources.mongo.values import bracket_of, mark_of

        cursor = self._access.cursor
        if cursor is None:
            return None
        what = f"{self._what}, field '{cursor}'"
        query = self._query({})
        missing = collection.count_documents({"$and": [query, {cursor: None}]})
        if missing:
            raise PermanentError(
                f"{what} is missing or null in {missing} document(s), which an incremental source would never take.",
                hint="use a field that all have, or a filter that leaves such documents out",
            )
        low, high = (_end(collection, query, cursor, step) for step in (1, -1))
        if high is None:
            return None
        bracket = bracket_of(high)
        if bracket is None or bracket != bracket_of(low):
            raise PermanentError(
                f"{what} has values of several kinds, or of one without order ({type(high).__name__}).",
                hint="use a field of dates, numbers, texts or ObjectIds alone",
            )
        return mark_of(after, self._access.start, high, what=what)

    def _ends(self, collection: Collection[Any], part: Mapping[str, str]) -> dict[str, Any]:
        """What bounds the slice above, so that documents that come later are for the next run."""
        from finport_ingestion.engine.sources.mongo.values import bracket_of

        query, cursor = self._query(part), self._access.cursor
        if cursor is not None:
            return {_UNTIL: _end(collection, query, cursor, -1)}
        first, last = (_end(collection, query, _ID, step) for step in (1, -1))
        # A bound would leave out identifiers of another kind: it stands only where there is one kind.
        one_kind = bracket_of(first) is not None and bracket_of(first) == bracket_of(last)
        return {_LAST: last} if one_kind else {}

    def _query(self, part: Mapping[str, str]) -> dict[str, Any]:
        from finport_ingestion.engine.sources.mongo.values import extended_json, parsed

        cursor = self._access.cursor or _ID
        bounds = [
            {field: {operator: parsed(part[name])}}
            for name, field, operator in ((_SINCE, cursor, "$gte"), (_UNTIL, cursor, "$lte"), (_LAST, _ID, "$lte"))
            if name in part
        ]
        stated = extended_json(self._options.filter)
        return {"$and": [*([stated] if stated else []), *bounds]} if bounds else stated

    def _collection(self, client: Any, *, raw: bool = False) -> Any:
        from bson.raw_bson import RawBSONDocument
        from pymongo.errors import InvalidName

        from finport_ingestion.engine.sources.mongo.values import CODEC

        codec = CODEC.with_options(document_class=RawBSONDocument) if raw else CODEC
        try:
            return client[self._database].get_collection(self._options.collection, codec_options=codec)
        except InvalidName as error:
            raise ConfigError(f"{self._what}: {error}.", hint="correct 'database' or 'collection'") from None

    def _milliseconds(self) -> int:
        return max(1, int(self._access.deadline.bound(self._access.deadline.seconds_left()) * 1000))


def _end(collection: Collection[Any], query: Mapping[str, Any], field: str, step: int) -> Any:
    """The lowest (1) or highest (-1) value of a field."""
    found = collection.find_one(query, {field: 1}, sort=[(field, step)])
    return found.get(field) if found else None


def _record(document: bytes, *, what: str) -> dict[str, Any]:
    import bson

    from finport_ingestion.engine.sources.mongo.values import CODEC, cell_of

    try:
        decoded = bson.decode(document, CODEC)
    except bson.errors.InvalidBSON as error:
        raise FormatError(f"{what}: a document is no valid BSON.", hint="look for it with 'validate'") from error
    return {name: cell_of(value) for name, value in decoded.items()}
