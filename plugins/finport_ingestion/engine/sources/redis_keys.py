"""Redis: a stream, or the keys that fit a pattern.

```yaml
source:
  protocol: redis
  connection: ticks          # host, port, login (ACL user), password; schema: number of the database
  stream: trades
```

```yaml
source: {protocol: redis, connection: ticks, keys: "price:*", kind: hash}
```

A stream gives a row an entry: its id, when it was added, and the fields of the entry. The next run goes on exactly
behind the last entry, without `incremental`; entries that were trimmed before they were read are an error, not a gap.

Keys give their values: a row a string, a hash (its fields as columns), a member of a list, set or sorted set. Redis
has no picture of one moment: each key is as it is when it is read, a key that is there all the time is read once, one
that comes or goes meanwhile may be left out.

Values are text in UTF-8, or bytes with `values: binary`. The connection's extra may hold `tls: false` (which wants
allowPlaintext), `ca_file`, `client_cert_file` and `client_key_file`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.errors import ConfigError, SourceItemMissing
from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa
    import redis

    from finport_ingestion.engine.sources.redis_values.keyspace import Keyspace


def _start(text: str) -> str:
    if text not in ("earliest", "latest"):
        from finport_ingestion.engine.sources.redis_values.entry_id import EntryId

        try:
            EntryId.starting(text)
        except ValueError:
            raise ValueError("write earliest, latest, an id like 1700000000000-0, or 2024-01-31T09:00:00Z") from None
    return text


class RedisOptions(SourceOptions):
    """A stream, or keys of one kind."""

    protocol: Literal["redis"]
    stream: str | None = Field(default=None, description="Key of a stream.", min_length=1)
    keys: str | None = Field(default=None, description="Pattern of keys, as SCAN takes it, e.g. `price:*`.")
    kind: Literal["string", "hash", "list", "set", "sortedSet"] | None = Field(
        default=None, description="What the keys hold; keys that hold something else are left out."
    )
    values: Literal["text", "binary"] = Field(default="text", description="What values are: UTF-8, or bytes.")
    start: Annotated[str, AfterValidator(_start)] = Field(
        default="earliest",
        description="Where the first run of a stream begins: earliest, latest, an id, or a moment (UTC by default).",
    )
    gaps: Literal["fail", "skip"] = Field(
        default="fail", description="What to do when entries of the stream were trimmed before they were read."
    )
    max_keys: int = Field(default=1_000_000, gt=0, description="Most keys; their names are held in memory.")
    max_fields: int = Field(default=1_000, gt=0, description="Most different fields of all entries or hashes.")
    fetch_rows: int = Field(default=10_000, gt=0, description="Rows of a batch.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.stream is None) == (self.keys is None):
            raise ValueError("state either 'stream' or 'keys'")
        if (self.keys is None) != (self.kind is None):
            raise ValueError("'keys' and 'kind' go together")
        return self


class RedisSource:
    """See the module. The item is the stream, what it holds from the watermark on, or all keys."""

    Options = RedisOptions

    def __init__(self, options: RedisOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: The document states `incremental`.
        """
        self._options = options
        self._access = access
        self._binary = options.values == "binary"
        self._what = f"{access.source}: {f'stream {options.stream}' if options.stream else f'keys {options.keys}'}"
        if access.cursor:
            raise ConfigError(
                f"{access.source}: incremental by '{access.cursor}', which Redis cannot be asked for.",
                hint="remove 'incremental': a stream goes on where it was, keys are read as a whole",
            )

    def check(self) -> str:
        """Log in and look. Raises as the protocol of sources says."""
        from finport_ingestion.engine.sources.redis_values.stream import Stream

        with self._reached() as client:
            if self._options.stream is None:
                found = "there are some" if self._keyspace(client).any() else "there are none now"
            else:
                now = Stream(client, self._options.stream, what=self._what).now()
                found = f"{now.length} entries" if now else "it is not there yet"
        return f"{self._what}: {found}."

    def replaces(self, after: Watermark | None) -> Replaces:
        """All of it stands in for what was taken before; an increment for nothing."""
        return Replaces.SOURCE if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """One item; none where there is nothing, or nothing behind the watermark.

        Raises:
            PermanentError: Entries behind the watermark were trimmed before they were read.
        """
        from finport_ingestion.engine.sources.redis_values.stream import Place, Stream

        options = self._options
        with self._reached() as client:
            if options.stream is None:
                item = SourceItem(id=str(options.keys)) if self._keyspace(client).any() else None
            else:
                stream = Stream(client, options.stream, what=self._what)
                item = stream.item(Place.of(after) if after else None, options.start, gaps=options.gaps)
        if item is not None:
            yield item

    def reached(self, taken: Sequence[SourceItem]) -> Watermark | None:
        """Where the stream stands once its item is published; keys stand nowhere."""
        from finport_ingestion.engine.sources.redis_values.stream import place_after

        place = place_after(taken) if self._options.stream else None
        return place.watermark() if place else None

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The rows of the item; at least one batch.

        Raises:
            SourceItemChanged: Entries of the stream were taken away since it was listed.
            SourceItemMissing: There is no such stream, or no such key.
            FormatError: A value is no text, or there are more fields than `maxFields`.
        """
        if self._options.stream is None:
            yield from self._read_keys()
        else:
            yield from self._read_stream(item, self._options.stream)

    def _read_stream(self, item: SourceItem, name: str) -> Iterator[pa.RecordBatch]:
        from finport_ingestion.engine.sources.found.fields import FieldsSeen, batches
        from finport_ingestion.engine.sources.found.spill import Spill
        from finport_ingestion.engine.sources.redis_values.stream import COLUMNS, Stream, record_of

        seen = FieldsSeen(what=self._what, most=self._options.max_fields, first=COLUMNS)
        with Spill(what=self._what) as spill:
            with self._reached() as client:
                stream = Stream(client, name, what=self._what)
                if stream.now() is None:
                    raise SourceItemMissing(f"{self._what} is not there.", hint="check 'stream' of the source")
                for packed in stream.entries(item):
                    self._access.deadline.check()
                    spill.write(packed)
                    seen.see(record_of(packed, binary=self._binary, what=self._what))
            records = (record_of(packed, binary=self._binary, what=self._what) for packed in spill)
            yield from batches(records, {**seen.types(), **COLUMNS}, rows=self._options.fetch_rows)

    def _read_keys(self) -> Iterator[pa.RecordBatch]:
        from finport_ingestion.engine.sources.found.fields import FieldsSeen, batches
        from finport_ingestion.engine.sources.found.spill import Spill
        from finport_ingestion.engine.sources.redis_values.keyspace import columns, records_of

        kind = self._options.kind or "string"
        fixed = columns(kind, binary=self._binary)
        seen = FieldsSeen(what=self._what, most=self._options.max_fields, first=fixed)
        with Spill(what=self._what) as spill:
            with self._reached() as client:
                keyspace = self._keyspace(client)
                if not keyspace.any():
                    raise SourceItemMissing(f"{self._what}: there is no such key.", hint="check 'keys' of the source")
                for packed in keyspace.values():
                    self._access.deadline.check()
                    spill.write(packed)
                    for record in records_of(packed, kind, binary=self._binary, what=self._what):
                        seen.see(record)
            records = (
                record for packed in spill for record in records_of(packed, kind, binary=self._binary, what=self._what)
            )
            yield from batches(records, {**seen.types(), **fixed}, rows=self._options.fetch_rows)

    def _keyspace(self, client: redis.Redis) -> Keyspace:
        from finport_ingestion.engine.sources.redis_values.keyspace import Keyspace

        return Keyspace(
            client=client,
            pattern=str(self._options.keys),
            kind=self._options.kind or "string",
            most=self._options.max_keys,
            what=self._what,
        )

    def _reached(self) -> AbstractContextManager[redis.Redis]:
        from finport_ingestion.engine.sources.redis_values.client import reached

        return reached(self._access, what=self._what)
