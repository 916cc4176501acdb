"""Collect: list what a source has, leave out what is unchanged, fetch the rest in batches, seal it with a manifest."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.collect.backfill import check_backfill, renamed
from finport_ingestion.engine.collect.changes import unchanged_because
from finport_ingestion.engine.collect.landing import land
from finport_ingestion.engine.collect.replay import landed_manifest
from finport_ingestion.engine.dealing import deal
from finport_ingestion.engine.errors import PermanentError, Skipped
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import Fingerprint, Manifest, Part, Replaces, SourceItem, StepResult, Watermark
from finport_ingestion.engine.sources.interface import Positioned
from finport_ingestion.engine.sources.opening import open_source
from finport_ingestion.engine.step import StepContext
from finport_ingestion.engine.watermarks import asked_from

if TYPE_CHECKING:
    from upath import UPath


class CollectStep:
    """`collector` / `collect_data_from_source`."""

    def split(self, context: StepContext) -> StepResult:
        """List the items that changed and deal them into batches of about equal size."""
        if context.flags.replay_of:
            return self._split_replay(context)
        if context.flags.backfills:
            check_backfill(context)
        source = open_source(context)
        after = self._watermark(context, source)
        incremental = context.source.incremental
        asked = asked_from(after, incremental.lookback if incremental else None)
        replaces = Replaces.ITEMS if context.flags.backfills else source.replaces(after)
        items = self._changed(context, tuple(self._listed(context, source.discover(asked))), replaces)
        if context.flags.dry_run:
            names = ", ".join(item.id for item in items[:5])
            raise Skipped(
                f"dry run: {len(items)} item(s) would be collected ({names}{', ...' if len(items) > 5 else ''})"
            )
        batches = deal([item.size_bytes or 1 for item in items], batches=context.step.parallel or 1)
        listing = {
            "items": [dataclasses.asdict(item) for item in items],
            "batches": batches,
            "replaces": replaces,
            "based_on": after.value if after else None,
            "reached": _reached(source, items, context),
        }
        path = context.folder("staging") / "split.json"
        write_bytes(path, json.dumps(listing, default=_encode, sort_keys=True, indent=1).encode())
        return StepResult(batches=len(batches), items=len(items), notes=(f"{len(items)} item(s) to collect",))

    def work(self, context: StepContext) -> StepResult:
        """Land the items of one batch; a batch that is complete already is left as it is."""
        if context.flags.replay_of:
            return StepResult(notes=("replay: the landed bytes are used as they are",))
        fragment = self._fragment_path(context, context.batch or 0)
        listing = self._listing(context)
        if not fragment.exists() or _listing_of(fragment) != listing["digest"]:
            source = open_source(context)
            items = listing["items"]
            parts = [
                part
                for index in listing["batches"][context.batch or 0]
                for part in land(items[index], index=index, source=source, context=context)
            ]
            manifest = context.manifest(
                replaces=listing["replaces"], parts=tuple(parts), facts={"listing": listing["digest"]}
            )
            write_bytes(fragment, manifest.to_json())
        manifest = Manifest.from_json(fragment.read_bytes())
        return StepResult(
            items=len({part.item for part in manifest.parts}),
            size_bytes=manifest.size_bytes,
            rows_read=manifest.row_count,
        )

    def seal(self, context: StepContext) -> StepResult:
        """Put the batches together; skip when the bytes are those that are published already."""
        if context.flags.replay_of:
            manifest = landed_manifest(context)
        else:
            manifest = self._sealed(context)
            self._skip_known_bytes(context, manifest)
            write_bytes(context.folder("landing") / "manifest.json", manifest.to_json())
        uri = context.write_manifest(manifest)
        return StepResult(manifest=uri, items=len(manifest.items), size_bytes=manifest.size_bytes)

    def _split_replay(self, context: StepContext) -> StepResult:
        manifest = landed_manifest(context)
        if context.flags.dry_run:
            raise Skipped(
                f"dry run: {len(manifest.parts)} landed part(s) of {context.flags.replay_of} would be replayed"
            )
        return StepResult(batches=1, items=len(manifest.items), notes=(f"replay of {context.flags.replay_of}",))

    def _watermark(self, context: StepContext, source: object) -> Watermark | None:
        moves = context.source.incremental is not None or isinstance(source, Positioned)
        if not moves or context.flags.force_run_all or context.flags.backfills:
            return None
        return context.memory.watermark(context.source.name, context.source.dataset)

    def _listed(self, context: StepContext, items: Iterable[SourceItem]) -> Iterable[SourceItem]:
        limits = context.plan.settings(context.source, context.step).limits
        for item in itertools.islice(items, limits.max_items):
            if item.size_bytes and item.size_bytes > limits.item_size_bytes:
                raise PermanentError(
                    f"{context.source.name}: {item.id} has {item.size_bytes} bytes, over {limits.item_size_bytes}.",
                    hint="raise limits.itemSizeBytes in the policy or the source",
                )
            yield item

    def _changed(self, context: StepContext, items: Sequence[SourceItem], replaces: Replaces) -> Sequence[SourceItem]:
        name, dataset = context.source.name, context.source.dataset
        if not items:
            raise Skipped(f"{name}: the source lists nothing")
        if _takes_all(context):
            return items
        known = context.memory.fingerprints(name, dataset)
        published = context.memory.published_at(name, dataset)
        age = context.clock.now() - published if published else None
        settings = context.plan.settings(context.source, context.step).changes
        reasons = {item.id: unchanged_because(item, known.get(item.id), age=age, settings=settings) for item in items}
        changed = [item for item in items if reasons[item.id] is None]
        if not changed:
            reason = next(iter(reasons.values()))
            raise Skipped(f"{name} is unchanged since {published:%Y-%m-%d %H:%M} UTC: {len(items)} item(s), {reason}")
        return items if replaces is Replaces.SOURCE else changed

    def _sealed(self, context: StepContext) -> Manifest:
        listing = self._listing(context)
        parts: list[Part] = []
        for number in range(len(listing["batches"])):
            parts += Manifest.from_json(self._fragment_path(context, number).read_bytes()).parts
        order = {item.id: index for index, item in enumerate(listing["items"])}
        parts.sort(key=lambda part: (order[part.item], part.sequence))
        items = tuple(_fingerprint(item, [part for part in parts if part.item == item.id]) for item in listing["items"])
        landed = tuple(parts)
        if context.flags.backfills:
            landed, items = renamed(landed, items, context)
        return context.manifest(
            replaces=listing["replaces"],
            parts=landed,
            items=items,
            watermark=listing["reached"],
            facts={"based_on": listing["based_on"]},
        )

    def _skip_known_bytes(self, context: StepContext, manifest: Manifest) -> None:
        if _takes_all(context):
            return
        known: Mapping[str, Fingerprint] = context.memory.fingerprints(context.source.name, context.source.dataset)
        if manifest.items and all(
            item.item in known and known[item.item].sha256 == item.sha256 for item in manifest.items
        ):
            raise Skipped(f"{context.source.name} is unchanged: the same bytes (SHA-256) are published already")

    def _listing(self, context: StepContext) -> dict[str, Any]:
        written = (context.folder("staging") / "split.json").read_bytes()
        listing: dict[str, Any] = json.loads(written)
        # A run that is begun again may find other items: batches of the earlier listing do not count.
        listing["digest"] = hashlib.sha256(written).hexdigest()
        listing["items"] = [_item(fields) for fields in listing["items"]]
        listing["replaces"] = Replaces(listing["replaces"])
        reached = listing.get("reached")
        listing["reached"] = Watermark(**{**reached, "ties": ()}) if reached else None
        return listing

    def _fragment_path(self, context: StepContext, number: int) -> UPath:
        return context.folder("staging") / f"batch-{number:04d}.json"


def _reached(source: object, items: Sequence[SourceItem], context: StepContext) -> dict[str, Any] | None:
    """Where a source without a column stands after these items; a backfill moves nothing."""
    reached = source.reached(items) if isinstance(source, Positioned) and not context.flags.backfills else None
    return dataclasses.asdict(reached) if reached else None


def _takes_all(context: StepContext) -> bool:
    flags = context.flags
    return flags.force_run_all or flags.skip_change_detection or flags.backfills


def _fingerprint(item: SourceItem, parts: Sequence[Part]) -> Fingerprint:
    digest = (
        parts[0].sha256 if len(parts) == 1 else hashlib.sha256("".join(p.sha256 for p in parts).encode()).hexdigest()
    )
    return Fingerprint(
        item=item.id,
        sha256=digest,
        size_bytes=item.size_bytes,
        modified_at=item.modified_at,
        etag=item.etag,
        record_count=item.record_count,
    )


def _listing_of(fragment: UPath) -> object:
    return Manifest.from_json(fragment.read_bytes()).facts.get("listing")


def _item(fields: dict[str, Any]) -> SourceItem:
    modified = fields["modified_at"]
    return SourceItem(**{**fields, "modified_at": datetime.fromisoformat(modified) if modified else None})


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a listing holds no {type(value).__name__}")
