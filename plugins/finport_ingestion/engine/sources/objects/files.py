"""The objects of a bucket as items: what the protocols of all object stores do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import ConfigError, SourceItemChanged, SourceItemMissing
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.files.checksums import MOST_BYTES, with_checksums
from finport_ingestion.engine.sources.files.choice import FoundFile, chosen
from finport_ingestion.engine.sources.files.names import suffix_of
from finport_ingestion.engine.sources.files.settling import at_rest
from finport_ingestion.engine.sources.files.streams import joined
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.objects.client import ObjectClient
from finport_ingestion.engine.sources.objects.options import ObjectSetOptions
from finport_ingestion.engine.sources.objects.place import Place
from finport_ingestion.engine.sources.objects.shared import SharedClient

if TYPE_CHECKING:
    from obstore import GetResult, ObjectMeta

RANGES = 10
"""Of one object at a time: what the services recommend, and more than one connection carries."""


class ObjectFiles:
    """An item is an object, its id the key below the prefix. One client serves all uses, and ends with this object.

    What the gate counts: each thousand objects of a listing, each object or range that is asked for, each HEAD. What
    the client repeats by itself (twice at most, after a 5xx or a broken connection) is not counted again.
    """

    def __init__(self, place: Place, options: ObjectSetOptions, access: Access) -> None:
        """Contacts nobody."""
        self._place = place
        self._options = options
        self._access = access
        self._prefix = _prefix(options, access)
        self._listed = _listed_prefix(self._prefix, options.pattern)
        self._client = SharedClient(lambda: ObjectClient.opened(place, access))

    def check(self) -> str:
        """List the first page. Raises as the protocol of sources says."""
        with self._client.used() as client:
            next(client.pages(self._listed), None)
        return f"{self._access.source}: {self._place.title} can be listed."

    def replaces(self, after: Watermark | None) -> Replaces:
        """An object stands in for its earlier delivery; what lies behind a watermark in it comes on top."""
        return Replaces.ITEMS if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The finished objects that match, by id. The watermark selects rows, not objects: it is not used here."""
        deadline, source = self._access.deadline, self._access.source
        with self._client.used() as client:
            found = at_rest(lambda: self._found(client), self._options, deadline=deadline, source=source)
            ranges = min(RANGES, self._access.connections)
            items = chosen(found, self._options, now=deadline.clock.now(), ranges=ranges, source=source)
            objects = (item for item in items if item.size_bytes or not self._is_folder(client, item))
            yield from with_checksums(
                objects, self._options, read=lambda path: self._beginning(client, path), source=source
            )

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """The object, or bytes of it, in one delivery.

        Raises:
            SourceItemChanged: It is not what was listed. SourceItemMissing: It is gone.
        """
        what = f"{self._access.source}: {item.id} in {self._place.title}"
        with self._client.used() as client:
            result = client.get(self._key(item.id), span=span, etag=_quoted(item.etag), what=what)
            self._check_unchanged(item, result.meta, what)
            checksum = self._stated(client, item, what) if span is None else None
            start, stop = result.range
            with closing(client.blocks(result, what=what)) as blocks:
                yield Delivery(
                    stream=joined(blocks),
                    media_type=_media_type(result),
                    suffix=suffix_of(item.id),
                    size_bytes=stop - start,
                    checksum=checksum,
                )

    def _found(self, client: ObjectClient) -> Iterator[FoundFile]:
        for page in client.pages(self._listed):
            for meta in page:
                yield FoundFile(
                    path=self._below(meta["path"]),
                    size_bytes=meta["size"],
                    modified_at=meta["last_modified"].astimezone(UTC),
                    etag=meta["e_tag"] or None,
                )

    def _is_folder(self, client: ObjectClient, item: SourceItem) -> bool:
        """Consoles draw a folder as an empty object `folder/`, which obstore lists as `folder`."""
        try:
            client.check_there(self._key(item.id), what=f"{self._access.source}: {item.id} in {self._place.title}")
        except SourceItemMissing:
            return True
        return False

    def _beginning(self, client: ObjectClient, path: str) -> bytes:
        what = f"{self._access.source}: {path} in {self._place.title}"
        result = client.get(self._key(path), span=None, etag=None, what=what)
        with closing(client.blocks(result, what=what)) as blocks:
            return joined(blocks).read(MOST_BYTES)

    def _stated(self, client: ObjectClient, item: SourceItem, what: str) -> str | None:
        """What the sender states beside the object comes before what the service keeps of it."""
        if item.checksum or not self._options.checksums:
            return item.checksum
        headers = client.head(self._key(item.id), what=what)
        same = _bare(headers.get("etag")) == _bare(item.etag)
        return self._place.checksum(headers) if same else None

    def _check_unchanged(self, item: SourceItem, meta: ObjectMeta, what: str) -> None:
        """Where the listing gave no ETag to bind to, and where a server takes no notice of one."""
        listed, now = _bare(item.etag), _bare(meta["e_tag"])
        is_other = meta["size"] != item.size_bytes or (listed and now and listed != now)
        if is_other or (not listed and meta["last_modified"].astimezone(UTC) != item.modified_at):
            raise SourceItemChanged(
                f"{what}: it changed after it was listed ({item.size_bytes} bytes then, {meta['size']} now).",
                hint="state 'settle' in the source if its objects are still written when a run begins",
            )

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    def _below(self, key: str) -> str:
        return key.removeprefix(f"{self._prefix}/") if self._prefix else key


def _prefix(options: ObjectSetOptions, access: Access) -> str | None:
    path = (options.path or "").strip("/")
    if any(part in ("", ".", "..") for part in path.split("/")) and path:
        raise ConfigError(
            f"{access.source}: path '{options.path}' is no prefix of keys.", hint="state it like daily/prices"
        )
    return path or None


def _listed_prefix(prefix: str | None, pattern: str) -> str | None:
    """The prefix, and as many folders below it as the pattern names outright: less has to be listed."""
    folders = [name for name in pattern.split("/") if name not in ("", ".")][:-1]
    plain = itertools.takewhile(lambda name: not set(name) & set("*?["), folders)
    return "/".join([*([prefix] if prefix else []), *plain]) or None


def _media_type(result: GetResult) -> str | None:
    stated = result.attributes.get("Content-Type")
    return str(stated) if stated else None


def _bare(etag: str | None) -> str:
    return (etag or "").strip('"')


def _quoted(etag: str | None) -> str | None:
    """As headers spell it: Azure and Google list ETags without their quotes."""
    return f'"{etag}"' if etag and not etag.endswith('"') else etag
