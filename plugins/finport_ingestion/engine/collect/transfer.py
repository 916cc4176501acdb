"""One item on its way from its source: any range of its bytes, on from where the way broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.collect.journal import Told
from finport_ingestion.engine.errors import ChecksumMismatch, CircuitOpen, PermanentError, SourceUnavailable
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, Delivery, Span

_CHUNK_BYTES = 1 << 20
_BREAKS = 5
"""So often in a row a transfer breaks before it is given up."""
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


class Transfer:
    """An item with `ranges`. The source binds every range to the version that was listed.

    Args:
        say: Called with what the source says of the whole, when that is asked for.
    """

    def __init__(
        self, item: SourceItem, *, source: ByteSource, name: str, deadline: Deadline, say: Callable[[Told], None]
    ) -> None:
        self._item = item
        self._source = source
        self._what = f"{name}: {item.id}"
        self._deadline = deadline
        self._say = say
        self._begun = False

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `stop`, or to the end; never more, and fewer only where the source has no more.

        Raises:
            SourceUnavailable: It broke before the first byte, or again and again.
            SourceItemChanged: It is not the version that was listed.
            ChecksumMismatch: More comes than was asked for, or stated.
        """
        reached, breaks = start, 0
        end = self._item.size_bytes if stop is None else stop
        while True:
            before = reached
            try:
                for chunk in self._once(reached, stop):
                    reached += len(chunk)
                    if end is not None and reached > end:
                        raise self._too_much(end)
                    yield chunk
                if end is None or reached in (end, before):
                    return
                raise SourceUnavailable(f"{self._what} ended after {reached} of {end} bytes.", hint="try again later")
            except SourceUnavailable as error:
                breaks = breaks + 1 if reached == before else 1
                self._wait(breaks, error)

    def ask(self) -> None:
        """Have the source say what it says of the whole, and take none of it: a range says nothing of it."""
        with _closed(self._source.open(self._item)) as deliveries:
            for delivery in deliveries:
                self._say(_told(delivery))
                return

    def _once(self, start: int, stop: int | None) -> Iterator[bytes]:
        span = None if start == 0 and stop is None else Span(start, stop)
        with _closed(self._source.open(self._item, span)) as deliveries:
            for delivery in deliveries:
                if span is None:
                    self._say(_told(delivery))
                while chunk := next_chunk(delivery.stream, what=self._what):
                    self._deadline.check()
                    self._begun = True
                    yield chunk
                # Asked for the next delivery, the source looks whether the item is still the same.
                if next(deliveries, None) is not None:
                    raise PermanentError(f"{self._what} comes in several pieces.", hint="report this source")

    def _wait(self, breaks: int, error: SourceUnavailable) -> None:
        wait = min(_FIRST_WAIT_SECONDS * 2 ** (breaks - 1), _LONGEST_WAIT_SECONDS)
        hopeless = not self._begun or isinstance(error, CircuitOpen) or breaks > _BREAKS
        if hopeless or self._deadline.seconds_left() <= wait:
            raise error
        self._deadline.clock.sleep(wait)

    def _too_much(self, end: int) -> ChecksumMismatch:
        return ChecksumMismatch(
            f"{self._what} has more than the {end} bytes that were stated.",
            hint="ask the source to deliver it again if it happens twice",
        )


def next_chunk(stream: IO[bytes], *, what: str) -> bytes:
    """Up to a megabyte; nothing at the end.

    Args:
        what: Source and item, for messages.

    Raises:
        SourceUnavailable: The file system or connection behind the stream fails.
    """
    # What a buffer has gathered is lost with the error that ends the gathering: rather what is here.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    try:
        return read(_CHUNK_BYTES)
    except OSError as error:
        raise SourceUnavailable(
            f"{what} cannot be read on ({error.strerror or type(error).__name__}).", hint="check the source; try later"
        ) from error


@contextmanager
def _closed(deliveries: Iterator[Delivery]) -> Iterator[Iterator[Delivery]]:
    """Closed at the end of the block, and not when somebody forgets the error that ended it."""
    try:
        yield deliveries
    finally:
        close = getattr(deliveries, "close", None)
        if close:
            close()


def _told(delivery: Delivery) -> Told:
    return Told(
        suffix=delivery.suffix,
        media_type=delivery.media_type,
        size_bytes=delivery.size_bytes,
        checksum=delivery.checksum,
    )
