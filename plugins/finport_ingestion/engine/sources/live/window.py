"""What comes over a live connection in a window of time.

A connection that is lost is opened and subscribed again inside the window. What was sent meanwhile is lost, for nobody
keeps it: the first message behind such a gap says how long it was.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from finport_ingestion.engine.errors import AccessDenied, ConfigError, SourceUnavailable
from finport_ingestion.engine.network.runner import iterate, run
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.live.connect import Line

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_AHEAD = 1_000
_LONGEST_PAUSE_SECONDS = 10.0
_DONE = 1000
_NOT_ENTITLED = {1008, 3000, 3003}
_TOO_LARGE = 1009


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message."""

    content: str | bytes
    sequence: int  # from 1, in the order in which they came
    received_at: datetime
    connection: int  # the number of the connection, from 1
    gap_seconds: float | None  # of the first behind a lost connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When a window ends: whatever comes first."""

    length: timedelta
    messages: int
    is_last: Callable[[str | bytes], bool]
    reconnects: int


class Window:
    """One window over one line."""

    def __init__(self, access: Access, line: Line, *, bounds: Bounds, subscribe: Sequence[str], what: str) -> None:
        self._access = access
        self._line = line
        self._bounds = bounds
        self._subscribe = subscribe
        self._what = what
        self._clock = access.deadline.clock
        self._count = 0
        self._connections = 0
        self._losses = 0
        self._lost_at: datetime | None = None
        self._resumed_at = self._clock.now()

    def messages(self) -> Iterator[Received]:
        """What comes until the window ends, or the server says that it is done (close code 1000).

        Raises:
            SourceUnavailable: The connection is lost more often than it may be, or cannot be opened again.
            AccessDenied: The server ends it because of who asks.
        """
        ends_at = self._clock.now() + self._bounds.length
        while self._clock.now() < ends_at:
            try:
                with self._line.opened() as connection:
                    self._connections += 1
                    self._send(connection)
                    yield from self._until(connection, ends_at)
                    return
            except ConnectionClosed as error:
                if self._is_over(error):
                    return
            except SourceUnavailable:
                if self._connections == 0:
                    raise
                self._note_loss()
            self._pause(ends_at)
        if self._lost_at:
            # No message comes any more that could say it.
            seconds = (self._clock.now() - self._lost_at).total_seconds()
            log.warning("%s: nobody listened in the last %.1f s of the window", self._what, seconds)

    def _until(self, connection: ClientConnection, ends_at: datetime) -> Iterator[Received]:
        for content, received_at in iterate(lambda: self._arriving(connection), ahead=_AHEAD):
            self._access.deadline.check()
            if content is not None:
                self._count += 1
                yield Received(
                    content=content,
                    sequence=self._count,
                    received_at=received_at,
                    connection=self._connections,
                    gap_seconds=self._gap(),
                )
                if self._count >= self._bounds.messages or self._bounds.is_last(content):
                    return
            if self._clock.now() >= ends_at:
                return

    async def _arriving(self, connection: ClientConnection) -> AsyncIterator[tuple[str | bytes | None, datetime]]:
        """What comes, and when; nothing, and when, now and then where nothing does."""
        while True:
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    content = await connection.recv()
            except TimeoutError:
                yield None, self._clock.now()
            else:
                yield content, self._clock.now()

    def _send(self, connection: ClientConnection) -> None:
        for message in self._subscribe:
            run(connection.send(message))
        self._resumed_at = self._clock.now()

    def _gap(self) -> float | None:
        """Of the first message behind one."""
        lost_at, self._lost_at = self._lost_at, None
        if lost_at is None:
            return None
        seconds = (self._resumed_at - lost_at).total_seconds()
        log.warning("%s: the connection was lost, nobody listened for %.1f s", self._what, seconds)
        return seconds

    def _is_over(self, error: ConnectionClosed) -> bool:
        code = error.rcvd.code if error.rcvd else None
        if code == _DONE:
            return True
        if code in _NOT_ENTITLED:
            raise AccessDenied(
                f"{self._what}: the server ends the connection because of who asks ({code}).",
                hint="check the credentials, and what is subscribed to",
            ) from None
        if error.sent is not None and error.sent.code == _TOO_LARGE:
            raise ConfigError(f"{self._what}: a message is too large.", hint="raise 'maxMessageBytes'") from None
        self._note_loss()
        return False

    def _note_loss(self) -> None:
        self._lost_at = self._lost_at or self._clock.now()
        self._losses += 1
        if self._losses > self._bounds.reconnects:
            raise SourceUnavailable(
                f"{self._what}: the connection was lost {self._losses} times in one window.",
                hint="try later; ask the provider if it lasts, or raise 'reconnects'",
            ) from None

    def _pause(self, ends_at: datetime) -> None:
        left = (ends_at - self._clock.now()).total_seconds()
        pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**self._losses, max(left, 0.0))
        self._clock.sleep(self._access.deadline.bound(pause))


def stop_rule(expression: str | None) -> Callable[[str | bytes], bool]:
    """Whether a message is the last, by a JMESPath over its JSON; what is no JSON never is."""
    if expression is None:
        return lambda _: False
    import jmespath

    compiled: Any = jmespath.compile(expression)

    def is_last(content: str | bytes) -> bool:
        try:
            return bool(compiled.search(json.loads(content)))
        except ValueError:
            return False

    return is_last
