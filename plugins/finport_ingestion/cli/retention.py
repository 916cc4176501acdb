"""What is older than the policies keep it: folders of runs, superseded states of datasets, the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finport_ingestion.cli.published import storage_for
from finport_ingestion.cli.run_places import AREAS, RunFolder, run_folders
from finport_ingestion.engine.config.catalog import DEFAULT_POLICY
from finport_ingestion.engine.config.models.settings import RetentionSettings
from finport_ingestion.engine.errors import ConfigError, FinportError, PermanentError
from finport_ingestion.engine.files import remove_tree
from finport_ingestion.engine.model import format_duration

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.workflow.services import Services

_RUNS = 1000
_NOT_KNOWN = "kept: its documents have mistakes; 'finport validate' shows them"
_FORGOTTEN = timedelta(days=7)
"""A run that nobody closed, and that has nothing open, is over after this time: the ledger sees it so, too."""
_SHORTEST = timedelta(days=1)
"""No folder that was written to within this time goes, whatever a policy says: its run may be at work."""


@dataclass(slots=True, kw_only=True)
class Removed:
    """What was removed of one kind for one source or dataset, or would be."""

    what: str
    of: str
    keeps: str  # how long
    count: int = 0
    files: int = 0
    size_bytes: int = 0
    note: str = ""


@dataclass(kw_only=True)
class Cleaning:
    """One pass over everything that grows."""

    services: Services
    documents: Catalog
    dry_run: bool
    _ended: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

    def run(self) -> list[Removed]:
        """Remove what is old; with `dry_run`, only say what that would be. What an open run needs stays."""
        removed = [*self._folders(), *self._datasets(), self._ledger()]
        return [each for each in removed if each.count or each.files or each.note]

    def _retention(self, source: str) -> RetentionSettings | None:
        """How long things of a source are kept: of one that has left the documents, as the default policy says.

        None where documents have mistakes: then it is not known, and nothing of the source goes.
        """
        try:
            if self.documents.find("Source", source) is not None:
                return self.documents.settings(source).settings.retention
            return self.documents.policy_settings(DEFAULT_POLICY).settings.retention
        except ConfigError:
            return None

    def _folders(self) -> Iterator[Removed]:
        needed = self._open_runs()
        for area in AREAS:
            by_source: dict[str, Removed] = {}
            for folder in run_folders(self.services.places, area):
                retention = self._retention(folder.source)
                keeps = getattr(retention, area) if retention else timedelta.max
                told = format_duration(keeps) if retention else "all"
                note = "" if retention else _NOT_KNOWN
                row = by_source.setdefault(folder.source, Removed(what=area, of=folder.source, keeps=told, note=note))
                if retention and (folder.workflow, folder.run_id) not in needed and self._is_old(folder, keeps):
                    self._remove(folder, row)
            yield from by_source.values()

    def _is_old(self, folder: RunFolder, keeps: timedelta) -> bool:
        now = self.services.clock.now()
        newest = max((changed for _, _, changed in folder.files()), default=None)
        if newest is not None and newest > now - min(keeps, _SHORTEST):
            return False
        age_of = self._ended_at(folder) or newest
        return age_of is not None and age_of < now - keeps

    def _ended_at(self, folder: RunFolder) -> datetime | None:
        key = (folder.workflow, folder.run_id)
        if key not in self._ended:
            self._ended[key] = self._from_ledger(*key)
        return self._ended[key]

    def _from_ledger(self, workflow: str, run_id: str) -> datetime | None:
        """When the run ended; None where the ledger does not know it."""
        try:
            run = self.services.state.run(f"{workflow}/{run_id}")
        except PermanentError:
            return None
        # The ledger also understands beginnings of ids: another run's must not be taken for this one.
        same = (run.key.workflow, run.key.run_id) == (workflow, run_id)
        return (run.ended_at or run.started_at) if same else None

    def _open_runs(self) -> set[tuple[str, str]]:
        """The runs whose landed and staged parts are needed: those that are open, and what they replay."""
        needed = {(saga.run.workflow, saga.run.run_id) for saga in self.services.state.open_sagas()}
        over = self.services.clock.now() - _FORGOTTEN
        for run in self.services.state.runs(limit=_RUNS):
            if run.ended_at is None and run.started_at > over:
                needed.add((run.key.workflow, run.key.run_id))
                if replayed := run.flags.get("replay_of"):
                    needed.add((run.key.workflow, str(replayed)))
        return needed

    def _remove(self, folder: RunFolder, row: Removed) -> None:
        files = folder.files()
        row.count += 1
        row.files += len(files)
        row.size_bytes += sum(size for _, size, _ in files)
        if not self.dry_run:
            remove_tree(folder.path)

    def _datasets(self) -> Iterator[Removed]:
        for dataset, (source, keeps) in self._published().items():
            row = Removed(what="snapshots", of=dataset, keeps=format_duration(keeps))
            before = self.services.clock.now() - keeps
            try:
                gone = storage_for(source, self.documents, self.services).expire(before, dry_run=self.dry_run)
            except FinportError as error:
                # One database that is down must not keep everything else from being cleaned.
                row.note = str(error)
            else:
                row.count, row.files, row.size_bytes = gone.snapshots, gone.files, gone.size_bytes
                row.note = f"{gone.rows} row(s) of history" if gone.rows else ""
            yield row

    def _published(self) -> Mapping[str, tuple[str, timedelta]]:
        """By dataset: a source that publishes into it, and the longest time that any of them keeps its states."""
        found: dict[str, tuple[str, timedelta]] = {}
        for name, retention in self._known().items():
            dataset = self.documents.source(name).spec.dataset or name
            if dataset not in found or retention.snapshots > found[dataset][1]:
                found[dataset] = name, retention.snapshots
        return dict(sorted(found.items()))

    def _known(self) -> dict[str, RetentionSettings]:
        """The retention of every source whose documents are right."""
        found = {}
        for document in self.documents.documents_of("Source"):
            retention = self._retention(document.name) if document.model and document.name else None
            if retention and document.name:
                found[document.name] = retention
        return found

    def _ledger(self) -> Removed:
        longest = (retention.ledger for retention in self._known().values())
        keeps = max(longest, default=RetentionSettings().ledger)
        pruned = self.services.state.prune(self.services.clock.now() - keeps, dry_run=self.dry_run)
        told = f"{pruned.steps} steps, {pruned.publications} publications, {pruned.events} events"
        told += f", {pruned.tokens} tokens"
        anything = pruned.runs or pruned.publications or pruned.events or pruned.tokens
        return Removed(
            what="ledger",
            of=str(self.services.state),
            keeps=format_duration(keeps),
            count=pruned.runs,
            note=told if anything else "",
        )
