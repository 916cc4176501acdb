"""What a person sees of converted files: a line a table, then what needs attention."""

from __future__ import annotations

from collections.abc import Sequence

from finport_ingestion.cli import screen
from finport_ingestion.engine.convert.report import FileReport, TableReport

_COLUMNS = (
    screen.column("file"),
    screen.column("format"),
    screen.column("table"),
    screen.column("rows", right=True, spell=screen.spell_count),
    screen.column("quarantined", right=True, spell=screen.spell_some),
    screen.column("columns"),
    screen.column("outcome"),
    screen.column("seconds", right=True, spell=screen.spell_seconds),
)
_MOST_COLUMNS = 4


def show(reports: Sequence[FileReport]) -> None:
    """Print every table of every file, then warnings, errors and where the files lie."""
    rows = [row for report in reports for row in _rows(report)]
    screen.show_table(rows, _COLUMNS, empty="no files")
    for report in reports:
        for warning in report.warnings:
            screen.say(f"warning: {report.path}: {warning}", style="yellow")
        for drift in report.drift:
            screen.say(f"drift: {report.path}: {drift}", style="yellow")
        for table in report.tables:
            if table.quarantine:
                screen.say(
                    f"quarantine: {table.quarantined} records of {report.path}: {table.quarantine}", style="yellow"
                )
        if report.error:
            screen.complain(report.error)
    refused = sum(report.error is not None for report in reports)
    count = sum(report.rows for report in reports)
    screen.say(f"{len(reports)} files, {len(reports) - refused} converted, {refused} refused, {count:,} rows")


def _rows(report: FileReport) -> list[screen.Row]:
    packed = f" ({report.compression})" if report.compression else ""
    shared = {
        "file": report.path,
        "format": f"{report.format or '?'}{packed}",
        "outcome": report.outcome.value.replace("_", " "),
        "seconds": report.seconds,
    }
    if not report.tables:
        return [shared]
    return [
        {
            **shared,
            "table": table.name,
            "rows": table.rows,
            "quarantined": table.quarantined,
            "columns": _columns(table),
        }
        for table in report.tables
    ]


def _columns(table: TableReport) -> str:
    told = [f"{column.name} {column.type}" for column in table.columns[:_MOST_COLUMNS]]
    more = len(table.columns) - _MOST_COLUMNS
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")
