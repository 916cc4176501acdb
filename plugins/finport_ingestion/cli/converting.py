"""`finport convert`: files to typed tables without Airflow."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.report import FileReport


class To(StrEnum):
    """What tables are written as."""

    PARQUET = "parquet"
    AVRO = "avro"
    JSONL = "jsonl"
    ORC = "orc"


class ReportAs(StrEnum):
    """How the result is told."""

    TABLE = "table"
    JSON = "json"


def convert(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|-...", help="Files, folders of files, or - for standard input.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the tables go; made when it is not there.")],
    to: Annotated[To, typer.Option("--to", help="What they are written as.")] = To.PARQUET,
    format_document: Annotated[
        str | None,
        typer.Option("--format", metavar="DOC", help="A Format document: its name, or a file that holds it."),
    ] = None,
    options: Annotated[
        str | None, typer.Option("--options", metavar="JSON", help="The same keys as a Format's `convert`, as JSON.")
    ] = None,
    max_error_share: Annotated[
        float, typer.Option("--max-error-share", min=0, max=1, help="Of a file's records, that may be set aside.")
    ] = 1.0,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file of which a record cannot be read.")] = False,
    partition_by: Annotated[
        list[str] | None, typer.Option("--partition-by", metavar="COLUMN", help="A folder for each of its values.")
    ] = None,
    max_file_bytes: Annotated[
        int, typer.Option("--max-file-bytes", min=1, help="A larger table is written as several files.")
    ] = 1 << 30,
    limits: Annotated[
        str | None,
        typer.Option("--limits", metavar="JSON", help="Other limits: keys of a policy's `reading`, as JSON."),
    ] = None,
    report: Annotated[ReportAs, typer.Option("--report", help="A table for people, or a JSON object a file.")] = (
        ReportAs.TABLE
    ),
) -> None:
    """Convert files of any known format to typed tables, exactly, and account for every record.

    Formats are recognised by content; types are proved on every value. What cannot be read is set aside under
    _quarantine with its place and reason; a file that cannot be trusted is refused, and leaves nothing. Exits with 1
    when a file was refused.
    """
    from finport_ingestion.cli.conversions import Conversions, limits_of, wish_of
    from finport_ingestion.engine.errors import ConfigError

    try:
        wish = wish_of(
            to=to.value,
            document=format_document,
            options=options,
            max_error_share=0.0 if strict else max_error_share,
            partition_by=tuple(partition_by or ()),
            max_file_bytes=max_file_bytes,
        )
        wanted = Conversions(inputs, out=out, wish=wish, limits=limits_of(limits), quiet=report is ReportAs.JSON)
    except ConfigError as error:
        screen.complain(error.message, error.hint)
        raise typer.Exit(Ending.USAGE) from error
    reports: list[FileReport] = []
    refused = 0
    with wanted as conversions:
        for done in conversions:
            refused += done.error is not None
            if report is ReportAs.JSON:
                print(_as_json(done), flush=True)
            else:
                reports.append(done)
    if report is ReportAs.TABLE:
        from finport_ingestion.cli.converted import show

        show(reports, out=out)
    if refused:
        raise typer.Exit(Ending.REFUSED)


def _as_json(done: FileReport) -> str:
    text = json.dumps(done.to_plain(), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(done.to_plain())  # a file name that is no text: no stream takes it as it is
    return text
