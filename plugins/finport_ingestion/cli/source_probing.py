"""A source that needs a connection, opened for `finport source add` as a run opens it: one small delivery is read."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.cli.source_finding import Found
from finport_ingestion.cli.source_looks import checked, looking_at
from finport_ingestion.engine.collect.landing import land
from finport_ingestion.engine.config.loader import parse
from finport_ingestion.engine.detect_source.formats import format_of
from finport_ingestion.engine.detect_source.proposal import About
from finport_ingestion.engine.sources.interface import RowSource
from finport_ingestion.engine.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.records import SourceItem

_ITEMS = 100
_MOST_BYTES = 64 * 1024 * 1024


def opened(found: Found, *, text: str, name: str, documents: Catalog, folder: Path) -> Found:
    """Log in, list, and look into the smallest of the first items.

    Args:
        text: The document as it would be written.
        folder: Where the delivery is put.

    Raises:
        FinportError: It cannot be reached, or not with these credentials.
    """
    (document,) = parse(text.encode(), path=f"{name}.yaml", kind="Source")
    catalog = dataclasses.replace(documents, documents=(*documents.documents, document))
    with looking_at(catalog, name) as context:
        protocol = found.proposals[About.PROTOCOL].surer(0, checked(context))
        found = dataclasses.replace(found, proposals={**found.proposals, About.PROTOCOL: protocol})
        source = open_source(context)
        if isinstance(source, RowSource):
            return found  # what it sends has a schema of its own
        items = list(itertools.islice(source.discover(None), _ITEMS))
        item = smallest(items)
        if item is None:
            return found
        part = next(land(item, index=0, source=source, context=context))
        body = folder / "delivery"
        shutil.copyfile(str(context.places.root / part.uri), body)
    read = format_of(body, name=item.id, media_type=part.media_type)
    return dataclasses.replace(found, proposals={**found.proposals, About.FORMAT: read}, body=body)


def smallest(items: Sequence[SourceItem]) -> SourceItem | None:
    """The item to look into: the smallest that is not empty; None where there is none of a bearable size."""
    bearable = [item for item in items if item.size_bytes is None or 0 < item.size_bytes <= _MOST_BYTES]
    return min(bearable, key=lambda item: item.size_bytes or _MOST_BYTES, default=None)
