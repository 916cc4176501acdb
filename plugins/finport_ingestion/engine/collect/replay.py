"""The landed bytes of an earlier run, used instead of the source."""

from __future__ import annotations

import dataclasses

from finport_ingestion.engine.errors import Skipped, SourceItemMissing
from finport_ingestion.engine.records import Manifest, Replaces
from finport_ingestion.engine.step import StepContext, safe_name


def landed_manifest(context: StepContext) -> Manifest:
    """What the run `flags.replay_of` landed of this source, as this run's own manifest.

    Items replace themselves: what other runs published stays. Released records are added.

    Raises:
        Skipped: A later run has published other bytes of the same items.
        SourceItemMissing: That run landed nothing of this source, or it was cleaned away.
    """
    replayed = str(context.flags.replay_of)
    folder = context.places.at(f"landing/{context.run.workflow}/{context.source.name}/{safe_name(replayed)}")
    path = folder / "manifest.json"
    if not path.exists():
        raise SourceItemMissing(
            f"{context.source.name}: run {replayed} has nothing in the landing area.",
            hint="choose a run of 'finport runs' that landed data and is younger than retention.landing",
        )
    landed = Manifest.from_json(path.read_bytes())
    released = bool(landed.facts.get("released"))
    _refuse_older(landed, landed_at=path.stat().st_mtime, context=context)
    return dataclasses.replace(
        landed,
        run_id=context.run.run_id,
        plan=context.plan.digest,
        replaces=Replaces.NOTHING if released else Replaces.ITEMS,
        watermark=None,
        facts={**landed.facts, "replay_of": replayed},
    )


def _refuse_older(landed: Manifest, *, landed_at: float, context: StepContext) -> None:
    # What a later run published of the same item holds more, or better: an old delivery must not take its place.
    published = context.memory.published_at(context.source.name, context.source.dataset)
    if published is None or published.timestamp() < landed_at:
        return
    known = context.memory.fingerprints(context.source.name, context.source.dataset)
    older = [item.item for item in landed.items if item.item in known and known[item.item].sha256 != item.sha256]
    if older:
        replayed = context.flags.replay_of
        raise Skipped(
            f"{context.source.name}: {older[0]} was published with other bytes after run {replayed} landed it"
        )
