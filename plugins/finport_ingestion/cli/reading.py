"""`finport read DATASET`: rows of what is published, through a snapshot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.screen import column
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["table", "csv", "json", "parquet"]
_SUFFIXES: dict[str, Format] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def read(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="What a source publishes into.")],
    snapshot: Annotated[
        int | None,
        typer.Option("--snapshot", min=1, help="An earlier state, by its number; the current one by default."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many rows; 0 for all.")] = 20,
    columns: Annotated[str | None, typer.Option("--columns", "-c", metavar="A,B", help="Only these.")] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help='Only rows for which this holds, e.g. "close > 100".')
    ] = None,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Also the landed part and row that each row came from.")
    ] = False,
    form: Annotated[
        Format | None, typer.Option("--format", "-f", help="How rows are written; a file's name tells it, too.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of the screen.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Read published rows. Everything is of one snapshot, whatever is published meanwhile."""
    from finport_ingestion.cli.published import Question, rows_of
    from finport_ingestion.cli.writing import write_rows

    chosen = _form("json" if as_json else form, out)
    question = Question(
        dataset=dataset,
        snapshot=snapshot,
        limit=limit or None,
        columns=tuple(name.strip() for name in columns.split(",")) if columns else None,
        where=where,
        lineage=lineage,
    )
    answer = rows_of(question, surroundings.services)
    if chosen == "table":
        _show(answer.rows)
        screen.remark(f"{answer.rows.num_rows:,} row(s) of {answer.about}")
        return
    if out is None:
        write_rows(answer.rows, sys.stdout.buffer, form=chosen)
        return
    with out.open("wb") as file:
        write_rows(answer.rows, file, form=chosen)
    screen.say(f"{answer.rows.num_rows:,} row(s) of {answer.about} in {out}")


def _form(wanted: Format | None, out: Path | None) -> Format:
    """How rows are written: as asked for, as the file is called, or as a table."""
    if out is None:
        if wanted == "parquet":
            raise ConfigError("Parquet is no text for a screen.", hint="name a file: --out FILE")
        return wanted or "table"
    if wanted == "table":
        raise ConfigError("a table is for the screen.", hint="write a file as csv, json or parquet")
    called: Format | None = _SUFFIXES.get(out.suffix)
    if wanted is None and called is None:
        raise ConfigError(f"{out.name} tells no format.", hint="add --format csv, json or parquet")
    return wanted or called or "csv"


def _show(rows: pa.Table) -> None:
    shown = tuple(column(name, name, right=_is_number(rows.schema.field(name).type)) for name in rows.column_names)
    screen.show_table(rows.to_pylist(), shown, empty="no rows")


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))
