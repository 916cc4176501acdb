"""Where a run's bytes, rejects, reports and rows lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from finport_ingestion.engine.step import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upath import UPath

    from finport_ingestion.cli.screen import Row
    from finport_ingestion.engine.files import Places
    from finport_ingestion.engine.state.reading import RunRow, StepRow

AREAS = ("landing", "staging", "quarantine", "reports")
"""The areas that have a folder for each workflow, source and run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """What lies in one area for one source of one run."""

    area: str
    workflow: str
    source: str
    run_id: str
    path: UPath

    def files(self) -> list[tuple[UPath, int, datetime]]:
        """Every file with its size and the time of its last change."""
        found = []
        for name, entry in sorted(self.path.fs.find(self.path.path, detail=True).items()):
            path = self.path / name.removeprefix(self.path.path.rstrip("/") + "/")
            found.append((path, int(entry.get("size") or 0), _changed_at(entry)))
        return found


def run_folders(
    places: Places, area: str, *, workflow: str | None = None, source: str | None = None
) -> Iterator[RunFolder]:
    """The folders of an area, in order of their names."""
    for workflow_folder in _folders(places.at(area)):
        if workflow not in (None, workflow_folder.name):
            continue
        for source_folder in _folders(workflow_folder):
            if source not in (None, source_folder.name):
                continue
            for folder in _folders(source_folder):
                yield RunFolder(
                    area=area,
                    workflow=workflow_folder.name,
                    source=source_folder.name,
                    run_id=unquote(folder.name),
                    path=folder,
                )


def folder_of(places: Places, area: str, *, workflow: str, source: str, run_id: str) -> RunFolder:
    """Where one run keeps what it has of a source in an area."""
    path = places.at(f"{area}/{workflow}/{source}/{safe_name(run_id)}")
    return RunFolder(area=area, workflow=workflow, source=source, run_id=run_id, path=path)


def places_of(run: RunRow, steps: list[StepRow], places: Places) -> list[Row]:
    """One row for each place that holds something of the run."""
    rows: list[Row] = []
    for part in run.sources:
        own = [step for step in steps if step.source == part.source]
        for area in AREAS:
            for name in _names(places, area, workflow=run.key.workflow, source=part.source):
                folder = folder_of(places, area, workflow=run.key.workflow, source=name, run_id=run.key.run_id)
                files = folder.files() if folder.path.exists() else []
                if files:
                    size = sum(size for _, size, _ in files)
                    rows.append(_row(part.source, area, str(folder.path), f"{len(files)} file(s), {size:,} bytes"))
        rows += [
            _row(part.source, "published", f"{part.dataset}, commit {step.commit}", _published(step))
            for step in own
            if step.commit
        ]
    return rows


def _names(places: Places, area: str, *, workflow: str, source: str) -> list[str]:
    """The source's own folder, and those of sources that stood in for it."""
    others = (folder.name for folder in _folders(places.at(f"{area}/{workflow}")))
    return [source, *(name for name in others if name.startswith(f"{source}~"))]


def _published(step: StepRow) -> str:
    result = step.result
    told = f"{result.rows_passed:,} row(s)" if result and result.rows_passed else ""
    place = f" in {result.place}" if result and result.place else ""
    return f"{told}{place}{', taken back since' if step.compensated_at else ''}".strip()


def _row(source: str, what: str, where: str, holds: str) -> dict[str, Any]:
    return {"source": source, "what": what, "where": where, "holds": holds}


def _folders(path: UPath) -> list[UPath]:
    if not path.exists():
        return []
    return sorted((entry for entry in path.iterdir() if entry.is_dir()), key=lambda entry: entry.name)


def _changed_at(entry: dict[str, Any]) -> datetime:
    for key in ("mtime", "LastModified", "last_modified", "updated"):
        value = entry.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            return datetime.fromisoformat(value).astimezone(UTC)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
    # A store that does not say: never old enough to be removed.
    return datetime.max.replace(tzinfo=UTC)
