"""What a WebSocket sends in a window of time.

```yaml
source:
  protocol: websocket
  connection: ticker          # host: wss://stream.example.com
  path: /v2/trades
  subscribe: [{op: subscribe, channels: [trades]}]
  window: 30s
  stop: "type == 'end'"
  fields: {symbol: text, price: "decimal(18,4)"}
```

A row is a message: its number (`sequence`), when it was taken from the connection (`received_at`, UTC), over which
connection of the window it came, whether it was `text` or `binary`, and its content as messages/content.py says. It is
rows and not bytes because a file of messages would have to invent a frame in which all that would be lost.
`gap_seconds`, `undecoded` and `problem` are empty on a good day: call them nullable in the contract.

Every run takes a window of its own, and adds to what was taken before. A live stream cannot be asked for what is past:
what a try received is lost with it, and what is sent between two runs is never seen; use a provider's history to fill
that. A connection that is lost is opened and subscribed again inside the window; `gap_seconds` of the next message
says how long nobody listened.

`authenticate` is a message that is sent before the others; in its texts `{login}` and `{password}` stand for those of
the connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.live.address import Address, address_of
from finport_ingestion.engine.sources.messages.options import MessageOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.live.connect import Line
    from finport_ingestion.engine.sources.live.window import Received, Window
    from finport_ingestion.engine.sources.messages.content import Content

Message = str | dict[str, Any] | list[Any]

_COLUMNS = {
    "sequence": LogicalType("integer"),
    "received_at": LogicalType("timestamp", time_zone="UTC"),
    "connection": LogicalType("integer"),
    "gap_seconds": LogicalType("float"),
    "kind": LogicalType("text"),
}
_OURS = {*_COLUMNS, "value", "undecoded", "problem"}


class WebsocketOptions(MessageOptions):
    """A stream of messages, for a while."""

    protocol: Literal["websocket"]
    url: str | None = Field(default=None, description="wss://host[:port][/path], where it is not the connection's.")
    path: str = Field(default="/", description="Below that.", pattern=r"^[^?#]*$")
    query: dict[str, str] = Field(default_factory=dict, repr=False, description="Parameters of the opening request.")
    headers: dict[str, str] = Field(default_factory=dict, repr=False, description="Its headers; no secrets.")
    authenticate: Message | None = Field(default=None, repr=False, description="The first message, if it logs in.")
    subscribe: tuple[Message, ...] = Field(default=(), description="Messages to send first: a text, or JSON.")
    window: Duration = Field(default=parse_duration("30s"), description="How long to listen.")
    max_messages: int = Field(default=1_000_000, gt=0, description="The window ends with the last of so many.")
    stop: str | None = Field(default=None, description="JMESPath; the window ends with a message for which it is true.")
    reconnects: int = Field(default=5, ge=0, description="How often the connection may be lost in a window.")
    max_message_bytes: int = Field(default=16 << 20, gt=0, description="Largest message.")
    fetch_rows: int = Field(default=10_000, gt=0, description="Messages of a batch.")

    @field_validator("stop")
    @classmethod
    def _is_a_path(cls, text: str | None) -> str | None:
        if text is not None:
            import jmespath

            try:
                jmespath.compile(text)
            except jmespath.exceptions.ParseError as error:
                raise ValueError("not a JMESPath expression") from error
        return text

    @field_validator("fields")
    @classmethod
    def _names_of_its_own(cls, fields: dict[str, str]) -> dict[str, str]:
        if taken := sorted(_OURS & set(fields)):
            raise ValueError(f"a field cannot be called '{taken[0]}', which every message has")
        return fields


class WebsocketSource:
    """See the module. An item is a window, named by when it was listed."""

    Options = WebsocketOptions

    def __init__(self, options: WebsocketOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: There is no usable address, or the document states `incremental`.
        """
        self._options = options
        self._access = access
        self._address: Address = address_of(options.url, options.path, options.query, access)
        self._what = f"{access.source}: WebSocket {self._address}"
        if access.cursor:
            raise ConfigError(
                f"{access.source}: a live stream cannot be asked from '{access.cursor}' on.",
                hint="remove 'incremental'",
            )

    def check(self) -> str:
        """Open a connection and close it. Raises as the protocol of sources says."""
        with self._line().opened():
            protection = "over TLS" if self._address.tls else "without TLS"
        return f"{self._what} opens {protection}."

    def replaces(self, after: Watermark | None) -> Replaces:
        """A window stands in for itself, and so for no earlier one."""
        return Replaces.ITEMS

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """One window, which begins when it is read; that somebody is there is seen now."""
        with self._line().opened():
            moment = self._access.deadline.clock.now()
        yield SourceItem(id=f"{self._address.path}@{moment:%Y-%m-%dT%H:%M:%S.%fZ}")

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The messages of a window that begins now; at least one batch, maybe empty.

        Raises:
            SourceUnavailable: The connection is lost more often than it may be.
            AccessDenied: The server ends it because of who asks.
            SourceItemMissing: Nothing is at this path.
        """
        from finport_ingestion.engine.sources.found.fields import batches
        from finport_ingestion.engine.sources.messages.content import Content

        content = Content(self._options)
        rows = (_row(received, content) for received in self._window().messages())
        yield from batches(rows, {**_COLUMNS, **content.columns()}, rows=self._options.fetch_rows)

    def _window(self) -> Window:
        from finport_ingestion.engine.sources.live.window import Bounds, Window, stop_rule

        options = self._options
        bounds = Bounds(
            length=options.window,
            messages=options.max_messages,
            is_last=stop_rule(options.stop),
            reconnects=options.reconnects,
        )
        first = [] if options.authenticate is None else [self._with_login(options.authenticate)]
        sent = [_spelled(message) for message in (*first, *options.subscribe)]
        return Window(self._access, self._line(), bounds=bounds, subscribe=sent, what=self._what)

    def _line(self) -> Line:
        from finport_ingestion.engine.sources.live.connect import Line

        return Line(
            self._access,
            self._address,
            headers=self._options.headers,
            most_bytes=self._options.max_message_bytes,
        )

    def _with_login(self, message: Message) -> Message:
        connection = self._access.connection
        login = (connection.login if connection else None) or ""
        password = (connection.secret() if connection else None) or ""

        def filled(part: Any) -> Any:
            if isinstance(part, str):
                return part.replace("{login}", login).replace("{password}", password)
            if isinstance(part, dict):
                return {name: filled(value) for name, value in part.items()}
            return [filled(each) for each in part] if isinstance(part, list) else part

        found: Message = filled(message)
        return found


def _spelled(message: Message) -> str:
    return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)


def _row(received: Received, content: Content) -> dict[str, Any]:
    is_text = isinstance(received.content, str)
    return {
        "sequence": received.sequence,
        "received_at": received.received_at,
        "connection": received.connection,
        "gap_seconds": received.gap_seconds,
        "kind": "text" if is_text else "binary",
        **content.read(received.content.encode() if isinstance(received.content, str) else received.content),
    }
