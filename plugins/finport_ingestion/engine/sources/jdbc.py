"""Databases that have nothing but a JDBC driver, each use in a Java machine of its own.

```yaml
source:
  protocol: jdbc
  connection: ledger
  driverClass: com.example.jdbc.Driver
  url: jdbc:example://ledger.example.com:5000/books?encrypt=true
  table: BOOKS.ENTRIES
```

The connection is one of Airflow's type `jdbc`: login and password, in its extra the jars of the driver
(`driver_path`, on the worker) and maybe `driver_class`; its host may be the url. The driver, not this source, speaks
to the server: where a url does not say that its TLS verifies the host, or not plainly whereto it leads, the document
has to allow plaintext or the private network. Names are as the database stores them, e.g. in capitals.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from finport_ingestion.engine.errors import ConfigError, UnknownPlugin
from finport_ingestion.engine.model import plain
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.sql import RelationOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.jvm.calling import Conversation

_ABOUT_THE_WAY = re.compile(r"ssl|tls|trust|cert|encrypt|host|server|proxy|port|user|password", re.IGNORECASE)
_OF_RELATIONS = tuple(RelationOptions.model_fields)


class JdbcOptions(RelationOptions):
    """A table or a query of a database behind a JDBC driver."""

    protocol: Literal["jdbc"]
    driver_class: str | None = Field(
        default=None, description="Class of the driver; the connection's extra may say it."
    )
    url: str | None = Field(default=None, description="Without credentials; the connection's host by default.")
    memory_bytes: int = Field(default=512 << 20, ge=64 << 20, description="What Java may use.")


class JdbcSource:
    """See the module. Items are those of the SQL source."""

    Options = JdbcOptions

    def __init__(self, options: JdbcOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            UnknownPlugin: JPype is not installed.
        """
        if importlib.util.find_spec("jpype") is None:
            raise UnknownPlugin(
                "a jdbc source needs jpype1.", hint="pip install 'airflow-provider-finport-ingestion[databases]'"
            )
        self._options = options
        self._access = access

    def check(self) -> str:
        """Log in and look at the columns. Raises as the protocol of sources says."""
        with self._asked({"do": "check"}) as talk:
            return str(talk.answer()["text"])

    def replaces(self, after: Watermark | None) -> Replaces:
        """The whole relation stands in for what was taken before; an increment for nothing."""
        return Replaces.SOURCE if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The items, in the order of their ranges, all out of one picture of the relation."""
        mark = dataclasses.asdict(after) if after else None
        with self._asked({"do": "discover", "after": mark}) as talk:
            items = talk.answer()["items"]
        for item in items:
            yield SourceItem(**item)

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The rows of an item; at least one batch, maybe empty, and all of one schema.

        Raises:
            FormatError: A value is not of its column's type.
            SourceItemChanged: A range does not hold the rows it was listed with.
        """
        with self._asked({"do": "read", "item": dataclasses.asdict(item)}) as talk:
            yield from talk.batches()

    def _asked(self, question: Mapping[str, Any]) -> AbstractContextManager[Conversation]:
        from finport_ingestion.engine.sources.jvm.calling import asked

        return asked({**question, **self._request()}, self._access)

    def _request(self) -> dict[str, Any]:
        """Everything that the child needs; it holds the password."""
        from finport_ingestion.engine.sources.database.way import refuse_proxy
        from finport_ingestion.engine.sources.jvm.address import way_of

        access, options = self._access, self._options
        connection = access.connection
        if connection is None:
            raise ConfigError(f"{access.source}: no connection.", hint="state 'connection' in the source")
        refuse_proxy(access)
        url = options.url or connection.host or ""
        way = way_of(url, access)
        spelled = {field.name: getattr(connection, field.name) for field in dataclasses.fields(connection)}
        protection = {
            field.name: getattr(access.protection, field.name) for field in dataclasses.fields(access.protection)
        }
        stated = plain(options)
        aliases = {RelationOptions.model_fields[name].alias or name for name in _OF_RELATIONS}
        return {
            "source": access.source,
            "connection": {**spelled, "extra": dict(connection.extra), "secret": connection.secret()},
            "protection": protection,
            "seconds": access.deadline.bound(access.deadline.seconds_left()),
            "request_timeout_seconds": access.request_timeout_seconds,
            "cursor": access.cursor,
            "start": access.start,
            "options": {name: value for name, value in stated.items() if name in aliases},
            "driver_class": self._driver_class(),
            "url": url,
            "host": way.host,
            "ips": way.ips,
            "jars": self._jars(),
            "properties": self._properties(),
            "memory_bytes": options.memory_bytes,
        }

    def _driver_class(self) -> str:
        stated = self._options.driver_class or self._extra("driver_class")
        if not stated:
            raise ConfigError(
                f"{self._access.source}: no class of a driver.", hint="state 'driverClass', as the driver's manual says"
            )
        return str(stated)

    def _jars(self) -> list[str]:
        stated = self._extra("driver_path") or []
        jars = [jar.strip() for jar in stated.split(",")] if isinstance(stated, str) else [str(jar) for jar in stated]
        missing = [jar for jar in jars if not Path(jar).is_file()]
        if missing or not jars:
            raise ConfigError(
                f"{self._access.source}: {f'there is no file {missing[0]}' if missing else 'no jar of a driver'}.",
                hint="name the driver's jars, which the worker has, in the connection's extra as 'driver_path'",
            )
        return jars

    def _properties(self) -> dict[str, str]:
        """What the connection says to the driver; what would change the way is for the url, where it is checked."""
        stated: Mapping[str, Any] = self._extra("properties") or {}
        refused = next((name for name in stated if _ABOUT_THE_WAY.search(name)), None)
        if refused:
            raise ConfigError(
                f"{self._access.source}: the connection's properties hold '{refused}'.",
                hint="state what is about the way, such as TLS, in 'url', and login and password in the connection",
            )
        return {name: str(value) for name, value in stated.items()}

    def _extra(self, name: str) -> Any:
        connection = self._access.connection
        return connection.extra.get(name) if connection else None
