"""A topic of Kafka, read up to where it ends now, and the next time from there on.

```yaml
source:
  protocol: kafka
  connection: events         # host:port[,host:port]; login, password; extra: {sasl.mechanism, ca_file}
  topic: prices
  start: earliest
  fields: {symbol: text, price: "decimal(18,4)"}
```

A row is a message: `topic`, `partition`, `offset`, `timestamp` (UTC) with its `timestamp_type`, `key` (bytes),
`headers` (JSON), and its content. It is rows and not bytes because a file of messages would have to invent a frame, in
which the place, the time and the key of each, or what makes a value no JSON, would be lost. `value` is text that is
JSON (`value: json`), any text, or bytes; with `fields` parts of the JSON become columns with types. A message that is
not what was expected stops nothing: see messages/content.py. `key`, `headers`, `undecoded` and `problem` may be empty
in all of them: call them nullable in the contract, and state `quality.minRows: 0` for a topic that may be silent.

A run takes what lies between the last one's end and the end that the topic has when it is listed, of all partitions.
Where it stands is kept with what is published, in no consumer group: nothing is committed to Kafka. Only committed
transactions are read. Offsets that were removed before they were read are an error. `incremental` is not stated: a
topic always is; a run that is forced to take all takes the place of what was published before.

TLS and a login are the rule; OAUTHBEARER takes its token from the source's Authentication (an OAuth 2.0 method).
librdkafka connects by itself: what is checked of the addresses, and what is not, is said in kafka_topics/cluster.py.
It goes through no proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.messages.options import MessageOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.kafka_topics.cluster import Cluster
    from finport_ingestion.engine.sources.kafka_topics.settings import Way

_OURS = {
    *("topic", "partition", "offset", "timestamp", "timestamp_type", "key", "headers"),
    *("value", "undecoded", "problem"),
}


def _start(text: str) -> str:
    if text not in ("earliest", "latest"):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("write earliest, latest, or a moment like 2024-01-31T09:00:00Z") from None
    return text


class KafkaOptions(MessageOptions):
    """A topic."""

    protocol: Literal["kafka"]
    topic: str = Field(description="Its name.", min_length=1)
    start: Annotated[str, AfterValidator(_start)] = Field(
        default="earliest", description="Where the first run begins: earliest, latest, or a moment (UTC by default)."
    )
    lost: Literal["fail", "skip"] = Field(
        default="fail", description="What to do when offsets were removed before they were read."
    )
    messages_per_item: int = Field(default=1_000_000, gt=0, description="Offsets of one partition read in one go.")
    fetch_rows: int = Field(default=10_000, gt=0, description="Messages of a batch.")

    @model_validator(mode="after")
    def _names_of_its_own(self) -> Self:
        if taken := sorted(_OURS & set(self.fields)):
            raise ValueError(f"'fields' cannot be called '{taken[0]}', which every message has")
        return self


class KafkaSource:
    """See the module. An item is a range of offsets of one partition."""

    Options = KafkaOptions

    def __init__(self, options: KafkaOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: The document states `incremental`.
        """
        self._options = options
        self._access = access
        self._what = f"{access.source}: topic {options.topic}"
        if access.cursor:
            raise ConfigError(
                f"{access.source}: a topic is incremental by its offsets, not by '{access.cursor}'.",
                hint="remove 'incremental'",
            )

    def check(self) -> str:
        """Log in and look at the topic's ends. Raises as the protocol of sources says."""
        from finport_ingestion.engine.sources.kafka_topics.offsets import topic_now

        with self._reached() as cluster:
            now = topic_now(cluster, cluster.admin())
        span = sum(high - now.low[partition] for partition, high in now.high.items())
        return f"{self._what} has {len(now.high)} partition(s) with {span} offsets."

    def replaces(self, after: Watermark | None) -> Replaces:
        """A first run stands in for all that was taken before, later ones for nothing."""
        return Replaces.SOURCE if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """Ranges, by partition, up to the ends that it has now; none where nothing is new.

        Raises:
            SourceItemMissing: There is no such topic.
            PermanentError: Offsets were removed before they were read, or the topic was made anew.
        """
        from finport_ingestion.engine.sources.kafka_topics.offsets import (
            Place,
            first_place,
            items,
            next_place,
            topic_now,
        )

        options = self._options
        with self._reached() as cluster:
            admin = cluster.admin()
            now = topic_now(cluster, admin)
            if after is None:
                begins = first_place(cluster, admin, now, options.start)
            else:
                begins = next_place(Place.of(after), now, lost=options.lost, what=self._what)
        # The first run of `latest` reads nothing, but the next one has to know from where.
        always = after is None and options.start != "earliest"
        yield from items(options.topic, begins, now, most=options.messages_per_item, always=always)

    def reached(self, taken: Sequence[SourceItem]) -> Watermark | None:
        """Where the topic stands once `taken` is published; None where that is nothing."""
        from finport_ingestion.engine.sources.kafka_topics.offsets import place_after

        place = place_after(taken)
        return place.watermark() if place else None

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The messages of a range, by offset; at least one batch, maybe empty.

        Raises:
            SourceItemChanged: Offsets of the range are gone.
            SourceItemMissing: There is no such topic.
        """
        from finport_ingestion.engine.sources.kafka_topics.reading import read
        from finport_ingestion.engine.sources.messages.content import Content

        with self._reached() as cluster:
            yield from read(cluster, item, Content(self._options), rows=self._options.fetch_rows)

    def _reached(self) -> AbstractContextManager[Cluster]:
        from finport_ingestion.engine.sources.kafka_topics.cluster import reached

        return reached(self._access, self._way(), topic=self._options.topic, what=self._what)

    def _way(self) -> Way:
        from finport_ingestion.engine.sources.kafka_topics.settings import way_to

        return way_to(self._access, what=self._what, token=self._token())

    def _token(self) -> Callable[[], tuple[str, float]] | None:
        if self._access.auth is None:
            return None
        from finport_ingestion.engine.sources.kafka_topics.tokens import bearer_tokens

        return bearer_tokens(self._access, what=self._what)
