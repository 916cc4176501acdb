"""What a publication means to what its source has already published: the rules that all storages share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from finport_ingestion.engine.errors import PermanentError, SourceMovedOn
from finport_ingestion.engine.records import Fingerprint, Replaces, Watermark
from finport_ingestion.engine.store.interface import PublishRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What is published of one source now: (item id, sha256) of its items, and its watermark."""

    items: frozenset[tuple[str, str]] = frozenset()
    watermark: Watermark | None = None


def identities(items: Iterable[Fingerprint]) -> frozenset[tuple[str, str]]:
    """(item id, sha256) of each."""
    return frozenset((item.item, item.sha256) for item in items)


def replaced(item: Fingerprint, *, by: Replaces, newer: Mapping[str, str]) -> bool:
    """Whether a commit takes the place of an earlier item of its source; `newer` is its sha256 by item id.

    An increment only adds. If it brings the very same delivery once more, though, the rows must not stand twice.
    """
    if by is Replaces.SOURCE:
        return True
    if by is Replaces.ITEMS:
        return item.item in newer
    return newer.get(item.item) == item.sha256


def already_there(request: PublishRequest, current: Current) -> bool:
    """Whether everything that the request asks for is published as it is.

    Raises:
        SourceMovedOn: It is not, and the increment starts at another place than where the source stands.
    """
    manifest = request.manifest
    asked = identities(manifest.items)
    known = asked == current.items if manifest.replaces is Replaces.SOURCE else asked <= current.items
    if not asked and manifest.replaces is not Replaces.SOURCE:
        known = manifest.watermark is None or manifest.watermark == current.watermark
    if known:
        return not request.again or not asked
    if manifest.replaces is Replaces.NOTHING and not (asked and asked <= current.items):
        _check_follows(request, current)
    return False


def watermark_of(request: PublishRequest, current: Current) -> Watermark | None:
    """Where the source stands after the publication; None leaves it where it is.

    Old deliveries that are written again say nothing about how far the source has come.
    """
    manifest = request.manifest
    asked = identities(manifest.items)
    repeated = bool(asked) and asked <= current.items and manifest.replaces is not Replaces.SOURCE
    return None if repeated else manifest.watermark


def check_retractable(
    *, source: str, run_id: str, watermark: Watermark | None, later: Iterable[tuple[str, Replaces, Watermark | None]]
) -> None:
    """Refuse to take a commit back when a later increment starts where it ended: its rows would never come again.

    Args:
        later: (run id, replaces, watermark) of the source's later commits, in order.

    Raises:
        PermanentError: There is such an increment.
    """
    for later_run, replaces, later_watermark in later:
        if replaces is Replaces.SOURCE:
            return
        if watermark is not None and later_watermark is not None:
            raise PermanentError(
                f"{source}: what run {run_id} published cannot be taken back: run {later_run} continued behind it.",
                hint=f"take back run {later_run} first",
            )


def _check_follows(request: PublishRequest, current: Current) -> None:
    stands = current.watermark.value if current.watermark else None
    if stands != request.based_on:
        raise SourceMovedOn(
            f"{request.manifest.source}: the increment was fetched behind {request.based_on or 'no watermark'}, but "
            f"by what is published in {request.manifest.dataset} the source stands at {stands or 'no watermark'}.",
            hint="run the source again: it starts behind what is published",
        )
