"""Publish and take back: write files first, then make the one snapshot that shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

import pyarrow as pa

from finport_ingestion.engine.errors import PermanentError, SourceItemMissing, StorageUnavailable
from finport_ingestion.engine.records import Publication, Replaces
from finport_ingestion.engine.store import schemas
from finport_ingestion.engine.store.decision import already_there, identities, watermark_of
from finport_ingestion.engine.store.interface import Opening, PublishRequest
from finport_ingestion.engine.store.parquet_dataset import fold, partitioning
from finport_ingestion.engine.store.parquet_dataset.log import SnapshotLog
from finport_ingestion.engine.store.parquet_dataset.snapshot import (
    Action,
    Commit,
    DatasetState,
    SourceState,
    StoredItem,
)
from finport_ingestion.engine.store.parquet_dataset.writer import ItemWriter, Layout, drafts_for
from finport_ingestion.engine.store.parts import batches, parts_by_item, schema_of, verify

ATTEMPTS = 100
"""Each lost race means that another publisher has finished, so this many others must be at work at once to give up."""
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Data files that no snapshot shows yet."""

    items: tuple[StoredItem, ...]  # their commit is not known yet
    schema: pa.Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes into one dataset."""

    opening: Opening
    log: SnapshotLog
    layout: Layout
    lineage: bool

    def publish(self, request: PublishRequest) -> Publication:
        """See `Storage.publish`."""
        head = self.log.head()
        if found := _found(head, request):
            return found
        written = self._write(request)
        return self._append(lambda head: _found(head, request) or _published(head, request, written))

    def retract(self, source: str, run_id: str) -> bool:
        """See `Storage.retract`."""

        def next_state(head: DatasetState) -> DatasetState | None:
            log = {state.number: state.commit for state in self.log.states() if state.commit}
            back = fold.without(source=source, run_id=run_id, log=log, state_at=lambda at: self._state_at(at, source))
            if back is None:
                _check_not_expired(head, source=source, run_id=run_id)
                return None
            return _retracted(head, log[back.commits[-1]], back)

        for _ in range(ATTEMPTS):
            self.opening.deadline.check()
            state = next_state(self.log.head())
            if state is None:
                return False
            if self.log.append(state):
                return True
            self.opening.clock.sleep(_PAUSE_SECONDS)
        raise _too_busy(self.opening.dataset)

    def _append(self, next_state: Callable[[DatasetState], DatasetState | Publication]) -> Publication:
        for _ in range(ATTEMPTS):
            self.opening.deadline.check()
            state = next_state(self.log.head())
            if isinstance(state, Publication):
                return state
            if self.log.append(state) and state.commit:
                return state.commit.publication(self.opening.dataset)
            self.opening.clock.sleep(_PAUSE_SECONDS)
        raise _too_busy(self.opening.dataset)

    def _state_at(self, number: int, source: str) -> SourceState | None:
        try:
            return self.log.load(number).source(source)
        except SourceItemMissing:
            return None

    def _write(self, request: PublishRequest) -> Written:
        manifest, places = request.manifest, self.opening.places
        verify(manifest, places=places, deadline=self.opening.deadline)
        schema = schema_of(manifest, places=places, lineage=self.lineage)
        if manifest.parts:
            partitioning.check_columns(self.layout.partition_by, schema, dataset=self.opening.dataset)
        items = []
        with drafts_for(self.log.folder) as drafts:
            for item, parts in parts_by_item(manifest):
                with ItemWriter(where=drafts, layout=self.layout, schema=schema) as writer:
                    for batch in batches(parts, places=places, schema=schema):
                        self.opening.deadline.check()
                        writer.write(batch)
                        self.opening.progress.advance(rows=batch.num_rows)
                    files = writer.close()
                rows = sum(file.rows for file in files)
                items.append(StoredItem(fingerprint=item, commit=0, rows=rows, files=files))
        return Written(items=tuple(items), schema=schema)


def _found(head: DatasetState, request: PublishRequest) -> Publication | None:
    """The publication that makes this one needless."""
    manifest = request.manifest
    state = head.source(manifest.source)
    if not already_there(request, state.current):
        return None
    asked = identities(manifest.items)
    same = [item for item in state.items if (item.fingerprint.item, item.fingerprint.sha256) in asked]
    commit = state.commits.get(max((item.commit for item in same), default=0))
    return Publication(
        source=manifest.source,
        dataset=manifest.dataset,
        storage="parquet",
        commit=str(commit.number if commit else head.number),
        run_id=commit.run_id if commit else manifest.run_id,
        row_count=sum(item.rows for item in same),
        items=tuple(item.fingerprint for item in same),
        replaces=manifest.replaces,
        watermark=state.watermark,
        already_there=True,
    )


def _published(head: DatasetState, request: PublishRequest, written: Written) -> DatasetState:
    manifest, number = request.manifest, head.number + 1
    state = head.source(manifest.source)
    commit = Commit(
        number=number,
        action=Action.PUBLISH,
        workflow=manifest.workflow,
        source=manifest.source,
        run_id=manifest.run_id,
        committed_at=request.run_after.astimezone(UTC),
        replaces=manifest.replaces,
        watermark=watermark_of(request, state.current),
        items=tuple(dataclasses.replace(item, commit=number) for item in written.items),
    )
    return _state(head, commit, fold.added(state, commit), written.schema)


def _retracted(head: DatasetState, last: Commit, back: fold.TakenBack) -> DatasetState:
    commit = Commit(
        number=head.number + 1,
        action=Action.RETRACT,
        workflow=last.workflow,
        source=last.source,
        run_id=last.run_id,
        # A retraction stands for no moment of its own: it shows what would be there at that of the state it changes.
        committed_at=head.commit.committed_at if head.commit else last.committed_at,
        replaces=Replaces.NOTHING,
        watermark=back.state.watermark,
        took_back=back.commits,
    )
    return _state(head, commit, back.state, pa.schema([]))


def _state(head: DatasetState, commit: Commit, source: SourceState, new: pa.Schema) -> DatasetState:
    """The next snapshot. Its schema is that of the visible files, so a column leaves with the last file that has it."""
    known = dict(head.schemas)
    name = schemas.fingerprint(new)
    if len(new):
        known.setdefault(name, schemas.encode(new))
    sources = {**head.sources, commit.source: source}
    state = DatasetState(number=commit.number, dataset=head.dataset, commit=commit, sources=sources, schemas=known)
    since: dict[str, int] = {}
    for item in state.items():
        for file in item.files:
            since[file.schema] = min(since.get(file.schema, item.commit), item.commit)
    if since:
        visible = (schemas.decode(known[name]) for name in sorted(since, key=lambda name: (since[name], name)))
        return dataclasses.replace(state, schema=schemas.encode(schemas.unify(visible, dataset=head.dataset)))
    return dataclasses.replace(state, schema=head.schema or known.get(name))


def _check_not_expired(head: DatasetState, *, source: str, run_id: str) -> None:
    if any(commit.run_id == run_id for commit in head.source(source).commits.values()):
        raise PermanentError(
            f"{source}: what run {run_id} published cannot be taken back, since the state before it has expired.",
            hint="publish the source again from a landed run: 'finport replay RUN'",
        )


def _too_busy(dataset: str) -> StorageUnavailable:
    return StorageUnavailable(
        f"{dataset}: {ATTEMPTS} other publications came first.", hint="let fewer runs publish into it at once"
    )
