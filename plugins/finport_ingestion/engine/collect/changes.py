"""Whether an item is what was published already: the cheapest answer that the source gives, before any transfer."""

from __future__ import annotations

from datetime import timedelta

from finport_ingestion.engine.config.models.settings import ChangeSettings
from finport_ingestion.engine.records import Fingerprint, SourceItem


def unchanged_because(
    item: SourceItem, known: Fingerprint | None, *, age: timedelta | None, settings: ChangeSettings
) -> str | None:
    """Why `item` need not be taken again, or None where it must be fetched (and its bytes then decide).

    The ladder of C-22: ETag or Last-Modified, then size with time, then a stated checksum, then the record count.

    Args:
        known: What was published of the item before.
        age: How long ago that was.
    """
    if known is None:
        return None
    for test in settings.detect:
        if test == "etag" and item.etag and known.etag and age is not None and age <= settings.etag_lifetime:
            return f"same ETag {item.etag}" if item.etag == known.etag else None
        if (
            test == "lastModified"
            and item.modified_at
            and item.modified_at == known.modified_at
            and _same_size(item, known)
        ):
            return f"same size, not modified since {item.modified_at:%Y-%m-%d %H:%M:%S} UTC"
        if test == "size" and item.size_bytes is not None and not _same_size(item, known):
            return None
        if test == "sha256" and item.checksum == f"sha256:{known.sha256}":
            return "same SHA-256, as the source states it"
        if test == "recordCount" and _same_count(item, known, settings.record_count_tolerance):
            return f"{item.record_count} records, {known.record_count} before, which counts as the same"
    return None


def _same_size(item: SourceItem, known: Fingerprint) -> bool:
    return item.size_bytes is None or known.size_bytes is None or item.size_bytes == known.size_bytes


def _same_count(item: SourceItem, known: Fingerprint, tolerance: float) -> bool:
    if item.record_count is None or known.record_count is None:
        return False
    return abs(item.record_count - known.record_count) <= tolerance * known.record_count
