"""One client of one bucket: through the guarded tunnel, within rate and deadline, and with our errors."""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finport_ingestion import __version__
from finport_ingestion.engine.errors import (
    ConfigError,
    FinportError,
    PermanentError,
    RateLimited,
    SourceItemChanged,
    SourceUnavailable,
)
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.network.tunnel import Tunnel
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access, Span
from finport_ingestion.engine.sources.objects.answers import silence, translated
from finport_ingestion.engine.sources.objects.heads import headers_of
from finport_ingestion.engine.sources.objects.place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obstore import GetResult, ObjectMeta
    from obstore.store import ObjectStore

PAGE_OBJECTS = 1000
"""What S3 and Google list at a time; Azure's pages are larger, and are counted as several."""

_BLOCK_BYTES = 1 << 20
_RETRIES = 2
_RETRY_SECONDS = 30.0
_IDLE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectClient:
    """Made by `opened`; its methods may be called from any thread."""

    place: Place
    access: Access
    store: ObjectStore = field(repr=False)
    tunnel: Tunnel = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)  # for what obstore does not do

    @staticmethod
    def opened(place: Place, access: Access) -> ObjectClient:
        """Nothing is contacted yet; somebody has to `close` it.

        Raises:
            ConfigError: The file of authorities is none, or obstore takes the configuration for wrong.
        """
        left = access.deadline.bound(access.request_timeout_seconds)
        tls = client_tls(access.protection, source=access.source)
        tunnel = Tunnel(access.protection, source=access.source, timeout_seconds=left)
        try:
            store = _store(place, access, tunnel)
        except BaseException:
            tunnel.close()
            raise
        return ObjectClient(place=place, access=access, store=store, tunnel=tunnel, tls=tls)

    def close(self) -> None:
        """End every connection."""
        self.tunnel.close()

    def pages(self, prefix: str | None) -> Iterator[Sequence[ObjectMeta]]:
        """The objects below `prefix`, a page at a time, each asked for when it is wanted."""
        import obstore

        pages = obstore.list(self.store, prefix, chunk_size=PAGE_OBJECTS)
        what = f"{self.access.source}: listing {self.place.title}"
        while True:
            with self.counted(what):
                page = next(pages, None)
            if page is None:
                return
            yield page
            if len(page) < PAGE_OBJECTS:
                return

    def get(self, key: str, *, span: Span | None, etag: str | None, what: str) -> GetResult:
        """The answer for an object, its bytes not read yet; where the version is another one, an error."""
        import obstore

        options: dict[str, Any] = {"if_match": etag} if etag else {}
        if span is not None:
            options["range"] = {"offset": span.start} if span.stop is None else (span.start, span.stop)
        try:
            with self.counted(what):
                return obstore.get(self.store, key, options=options)  # type: ignore[arg-type]
        except SourceItemChanged:
            # Some services call an object that is gone another version of it.
            self.check_there(key, what=what)
            raise

    def check_there(self, key: str, *, what: str) -> None:
        """Raise SourceItemMissing where there is no such object."""
        import obstore

        with self.counted(what):
            obstore.head(self.store, key)

    def head(self, key: str, *, what: str) -> Mapping[str, str]:
        """What the service says of an object, in headers with names of lower case; nothing where it says nothing."""
        if self.place.head is None:
            return {}
        url, headers = self.place.head(self.store, key)
        with self.counted(what):
            return headers_of(url, headers, tls=self.tls, access=self.access, what=what) or {}

    def blocks(self, result: GetResult, *, what: str) -> Generator[bytes]:
        """The bytes of an answer, as they come; closing it ends the transfer."""
        with self.told(what):
            for block in result.stream(min_chunk_size=_BLOCK_BYTES):
                if block:
                    yield bytes(block)

    @contextmanager
    def counted(self, what: str) -> Iterator[None]:
        """One request: admitted by the gate, reported to it, with our errors."""
        gate, clock = self.access.gate, time.monotonic
        gate.admit(self.access.deadline)
        began = clock()
        try:
            with self.told(what):
                yield
        except FinportError as error:
            gate.report(Answer(outcome=_outcome(error), seconds=clock() - began))
            raise
        gate.report(Answer(outcome="good", seconds=clock() - began))

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Turn obstore's errors into ours; theirs may quote keys and signatures, so the chain ends here."""
        from obstore.exceptions import BaseError, InvalidPathError

        began = time.monotonic()
        try:
            yield
        except InvalidPathError:
            # obstore gives up the whole page; which key it was is in its text, and is whatever the sender likes.
            raise PermanentError(
                f"{what}: a key there cannot be written as a path.",
                hint="have keys with an empty part (a//b), '..' or control characters renamed, or state another path",
            ) from None
        except (BaseError, FileNotFoundError) as error:
            raise self._translated(str(error), what, began) from None

    def _translated(self, text: str, what: str, began: float) -> FinportError:
        spec = self.access.connection
        connection = f"connection '{spec.id}'" if spec else "the source"
        answer = translated(text, what=what, connection=connection)
        # A 502 may be the tunnel's own; and it knows better than the client why there was no answer.
        is_silent = answer is None or isinstance(answer, SourceUnavailable)
        if is_silent and (refusal := self.tunnel.refusal(since=began)):
            return refusal
        if answer:
            return answer
        self.access.deadline.check()
        return silence(text, what=what, connection=connection)


def _store(place: Place, access: Access, tunnel: Tunnel) -> ObjectStore:
    from obstore.exceptions import BaseError

    ca_file = access.protection.ca_file
    request = timedelta(seconds=access.deadline.bound(access.request_timeout_seconds))
    whole = timedelta(seconds=access.deadline.seconds_left())
    # Whatever is not stated here, obstore takes from variables of the environment: all that weakens is stated.
    client_options: dict[str, Any] = {
        "allow_http": access.protection.allow_plaintext,
        "allow_invalid_certificates": False,
        "proxy_url": tunnel.url,
        "proxy_excludes": "",
        "connect_timeout": request,
        "read_timeout": request,
        "timeout": whole,
        # Long enough for the next range or object; the client itself lives as long as its source.
        "pool_idle_timeout": _IDLE,
        "http1_only": True,
        "user_agent": f"finport-ingestion/{__version__}",
        "default_headers": dict(place.headers),
        **({"root_certificate": Path(ca_file).read_bytes()} if ca_file else {}),
    }
    retry_config = {
        "max_retries": _RETRIES,
        "retry_timeout": min(whole, timedelta(seconds=_RETRY_SECONDS)),
        "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
    }
    try:
        return place.made({"client_options": client_options, "retry_config": retry_config})
    except (BaseError, ValueError):
        raise ConfigError(
            f"{access.source}: {place.title} cannot be used with these options.",
            hint="check the connection's extra",
        ) from None


def _outcome(error: FinportError) -> Any:
    if isinstance(error, RateLimited):
        return "limited"
    return "failed" if isinstance(error, SourceUnavailable) else "good"
