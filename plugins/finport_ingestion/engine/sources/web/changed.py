"""Whether an item still is what was listed."""

from __future__ import annotations

import aiohttp

from finport_ingestion.engine.errors import SourceItemChanged
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.web.facts import modified_at, stated_size


def check_unchanged(response: aiohttp.ClientResponse, item: SourceItem, *, what: str) -> None:
    """Compare the best of what the server states now with what it stated for the list. Raises SourceItemChanged."""
    if item.etag is None and item.modified_at is None and item.size_bytes is None:
        return
    facts = (
        ("ETag", _strong(item.etag), _strong(response.headers.get("ETag"))),
        ("Last-Modified", item.modified_at, modified_at(response)),
        ("Content-Length", item.size_bytes, stated_size(response)),
    )
    stated = next(
        ((name, listed != now) for name, listed, now in facts if listed is not None and now is not None), None
    )
    if stated and stated[1]:
        raise SourceItemChanged(
            f"{what}: {stated[0]} is not any more what it was when the source was listed.",
            hint="the next run lists it anew; state 'etag: false' if the server says something else each time",
        )


def _strong(etag: str | None) -> str | None:
    # Compressed and plain answers of one state differ in nothing but the mark of weakness.
    return etag.removeprefix("W/") if etag else None
