"""What a person sees of converted files: a line a table, then what needs attention, file by file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from finport_ingestion.cli import screen
from finport_ingestion.engine.convert.report import FileReport, TableReport

_COLUMNS = (
    screen.column("file", least=20),
    screen.column("format"),
    screen.column("table", least=12),
    screen.column("rows", right=True, spell=screen.spell_count),
    screen.column("quarantined", right=True, spell=screen.spell_some),
    screen.column("outcome"),
    screen.column("columns", right=True, least=0),
    screen.column("first", "the first of them", least=0),
)
_ONLY_WHERE_NEEDED = frozenset({"table", "quarantined"})
_THE_TABLE = "table"  # what the one table of a file is called that has no tables
_MOST_WARNINGS, _MOST_COLUMNS = 10, 4


def show(reports: Sequence[FileReport], *, out: Path) -> None:
    """Print every table of every file, then warnings, refusals and the sum."""
    names = shown_names([report.path for report in reports])
    rows = [row for report in reports for row in _rows(report, names[report.path])]
    needed = {key for row in rows for key, value in row.items() if value}
    columns = [column for column in _COLUMNS if column.key in needed or column.key not in _ONLY_WHERE_NEEDED]
    screen.show_table(rows, columns, empty="no files")
    for report in reports:
        _show_remarks(report, names[report.path])
    if any(report.error for report in reports):
        screen.say()
    for report in reports:
        if report.error:
            message, _, fix = _without_path(report.error, report.path).partition(" Fix: ")
            screen.complain(f"{names[report.path]}: {message}", fix or None)
    _show_sum(reports, out)


def shown_names(paths: Sequence[str]) -> dict[str, str]:
    """What tells files apart: their paths below the folder that all have in common."""
    folders = [os.path.dirname(path) for path in paths if os.path.dirname(path)]  # noqa: PTH120
    mixed = len({Path(folder).is_absolute() for folder in folders}) > 1 or len(folders) < len(paths)
    common = "" if mixed or not folders else os.path.commonpath(folders)
    return {path: os.path.relpath(path, common) if common else path for path in paths}


def _rows(report: FileReport, name: str) -> Iterator[screen.Row]:
    """A row for each table; what is of the whole file stands in the first one."""
    packed = f" ({report.compression})" if report.compression else ""
    whole = {
        "file": name,
        "format": f"{report.format or '?'}{packed}",
        "outcome": report.outcome.value.replace("_", " "),
    }
    if not report.tables:
        yield whole
    for number, table in enumerate(report.tables):
        yield {
            **(whole if number == 0 else {}),
            "table": table.name if len(report.tables) > 1 or table.name != _THE_TABLE else "",
            "rows": table.rows,
            "quarantined": table.quarantined,
            "columns": len(table.columns),
            "first": _first(table),
        }


def _first(table: TableReport) -> str:
    told = ", ".join(f"{column.name} {column.type}" for column in table.columns[:_MOST_COLUMNS])
    return f"{told}, ..." if len(table.columns) > _MOST_COLUMNS else told


def _show_remarks(report: FileReport, name: str) -> None:
    serious = [*report.warnings, *report.drift]
    aside = [table.quarantine for table in report.tables if table.quarantine]
    if not serious and not report.notes and not aside:
        return
    screen.heading(name)
    for warning in serious[:_MOST_WARNINGS]:
        screen.say(f"  warning: {_without_path(warning, report.path)}", style="yellow")
    if len(serious) > _MOST_WARNINGS:
        screen.say(f"  and {len(serious) - _MOST_WARNINGS} more warnings: --report json has all", style="yellow")
    for path in aside:
        screen.say(f"  they lie in {path}", style="yellow")
    for note in report.notes:
        screen.say(f"  {_without_path(note, report.path)}", style="dim")


def _without_path(sentence: str, path: str) -> str:
    """A sentence about the file, or a member of it, without the file's path: that stands above it."""
    return sentence.removeprefix(f"{path}: ").removeprefix(f"{path}!").removeprefix(f"{_THE_TABLE}: ")


def _show_sum(reports: Sequence[FileReport], out: Path) -> None:
    refused = sum(report.error is not None for report in reports)
    rows = sum(report.rows for report in reports)
    aside = sum(report.quarantined for report in reports)
    seconds = screen.spell_seconds(sum(report.seconds for report in reports))
    screen.heading(
        f"{_counted(len(reports), 'file')} in {seconds} s: {len(reports) - refused:,} converted, {refused:,} refused; "
        f"{_counted(rows, 'row')} in {out}" + (f", {aside:,} quarantined" if aside else "")
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
