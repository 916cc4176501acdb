"""`finport validate` and `finport schema`: whether documents are right, and what editors complete them from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.exits import Ending
from finport_ingestion.cli.options import AsJson
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from finport_ingestion.engine.config.mistakes import Mistake
    from finport_ingestion.engine.project import Project


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH...]", help="Files or folders; the whole project by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check documents: every mistake is told at once, as path:line:column: key: what is wrong and the fix.

    References to other documents are checked against the whole project, also when one file is named.
    """
    projects = _projects(paths or [Path.cwd()])
    mistakes: list[Mistake] = []
    notes: list[Mistake] = []
    count = 0
    for project, chosen in projects.items():
        documents = surroundings.catalog(project)
        shown = _Chosen(project, chosen)
        mistakes += [mistake for mistake in documents.mistakes if shown.has(mistake.path)]
        notes += [note for note in documents.notes if shown.has(note.path)]
        count += sum(1 for document in documents.documents if shown.has(document.path))
    if as_json:
        screen.show_json({"documents": count, "mistakes": _rows(mistakes), "notes": _rows(notes)})
    else:
        _tell(mistakes, notes, count=count)
    if mistakes:
        raise typer.Exit(Ending.REFUSED)


def schema(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write; made when it is not there.")],
) -> None:
    """Write JSON Schemas (editors complete documents from them) and Kubernetes CRDs."""
    from finport_ingestion.engine.config.schemas import write_schemas

    for path in write_schemas(out):
        screen.say(str(path))


class _Chosen:
    """Which documents of a project were asked for."""

    def __init__(self, project: Project, paths: Sequence[Path]) -> None:
        self._folder = project.folder
        self._paths = paths

    def has(self, path: str) -> bool:
        """Whether the document at `path`, relative to the project, is one of them."""
        file = self._folder / path
        return any(file.is_relative_to(chosen) or self._folder.is_relative_to(chosen) for chosen in self._paths)


def _projects(paths: Sequence[Path]) -> dict[Project, list[Path]]:
    """What was asked for, by the project that it lies in."""
    found: dict[Project, list[Path]] = {}
    for path in paths:
        whole = path.resolve()
        if not whole.exists():
            raise ConfigError(f"there is no file or folder {path}.", hint="name a document, or a folder with documents")
        project = surroundings.project_around(whole if whole.is_dir() else whole.parent)
        if whole.is_file() and not whole.is_relative_to(project.configs):
            raise ConfigError(
                f"{path} is no document of the project {project.folder}.", hint=f"documents lie below {project.configs}"
            )
        found.setdefault(project, []).append(whole if whole.is_relative_to(project.configs) else project.folder)
    return found


def _tell(mistakes: Sequence[Mistake], notes: Sequence[Mistake], *, count: int) -> None:
    for mistake in mistakes:
        screen.say(str(mistake), style="red")
    for note in notes:
        screen.say(f"note: {note}", style="yellow")
    noted = f", {_counted(len(notes), 'note')}" if notes else ""
    if mistakes:
        files = len({mistake.path for mistake in mistakes})
        found = f"{_counted(len(mistakes), 'mistake')} in {_counted(files, 'file')}"
        screen.say(f"{found}, {_counted(count, 'document')} read{noted}")
    else:
        screen.say(f"{_counted(count, 'document')} read, no mistakes{noted}", style="green")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rows(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    return [
        {"path": one.path, "line": one.line, "column": one.column, "key": one.key, "message": one.message}
        for one in mistakes
    ]
