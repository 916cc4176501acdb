"""Publish what passed the checks, all of it or nothing, and take it back when the run fails later."""

from __future__ import annotations

import dataclasses

from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.records import Manifest, Publication, StepResult
from finport_ingestion.engine.step import StepContext
from finport_ingestion.engine.store.interface import Opening, PublishRequest, Storage
from finport_ingestion.engine.store.registry import STORAGES

BASED_ON = "based_on"
"""The fact of a manifest that says behind which watermark (its value) an increment was fetched."""


class StoreStep:
    """`base-data-storage` / `store_validated_data`."""

    def run(self, context: StepContext) -> StepResult:
        """Publish the nearest manifest. Repeated, also under another run id, it finds what is there."""
        storage = open_storage(context)
        if context.flags.dry_run:
            raise Skipped(f"dry run: nothing of {context.source.name} is stored in {storage.place}")
        # Two workflows may have a run of the same id: in the commit log it stands with its workflow.
        manifest = dataclasses.replace(context.upstream(), run_id=str(context.run))
        flags = context.flags
        publication = storage.publish(
            PublishRequest(
                manifest=manifest,
                run_after=context.run.run_after,
                based_on=_based_on(manifest, context, storage),
                again=flags.force_run_all or flags.skip_change_detection or flags.replay_of is not None,
            )
        )
        return StepResult(
            items=len(manifest.items),
            rows_read=manifest.row_count,
            rows_passed=publication.row_count,
            size_bytes=manifest.size_bytes,
            notes=_notes(manifest, publication),
            publication=publication,
            place=storage.place,
        )

    def find(self, context: StepContext) -> Publication | None:
        """What this run has published of its source, by the storage's commit log."""
        return open_storage(context).find(str(context.run), context.source.name)

    def compensate(self, context: StepContext) -> str:
        """Take back what this run published of its source."""
        storage, name, run_id = open_storage(context), context.source.name, str(context.run)
        if storage.retract(name, run_id):
            return f"{name}: what run {run_id} published in {storage.place} is taken back"
        return f"{name}: run {run_id} has published nothing in {storage.place}"


def open_storage(context: StepContext) -> Storage:
    """The storage that the settings of this source and step name. Nothing is contacted before it is used."""
    options = context.plan.settings(context.source, context.step).store
    opening = Opening(
        dataset=context.source.dataset,
        places=context.places,
        connections=context.connections,
        clock=context.clock,
        deadline=context.deadline,
        key=context.source.contract.key,
        version=context.source.contract.version,
        progress=context.progress,
    )
    storage: Storage = STORAGES.get(options.storage)(options, opening)
    return storage


def _based_on(manifest: Manifest, context: StepContext, storage: Storage) -> str | None:
    if context.flags.replay_of is not None:
        # What a replay brings, such as released records, was fetched behind no mark and moves none.
        stands = storage.watermark(manifest.source)
        return stands.value if stands else None
    if BASED_ON in manifest.facts:
        # What the increment was really fetched behind; the ledger may have moved since then.
        value: str | None = manifest.facts[BASED_ON]
        return value
    watermark = context.memory.watermark(manifest.source, manifest.dataset)
    return watermark.value if watermark else None


def _notes(manifest: Manifest, publication: Publication) -> tuple[str, ...]:
    if publication.already_there:
        return (f"already published by run {publication.run_id} (commit {publication.commit}); nothing was written",)
    merged = manifest.row_count - publication.row_count
    return (f"{merged} records have the key of a later one, or of a newer version",) if merged else ()
