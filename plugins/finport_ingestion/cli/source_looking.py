"""`finport source check`, `discover` and `sample`: a source is reached, and nothing is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.exits import Ending
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column
from finport_ingestion.engine.errors import FinportError

if TYPE_CHECKING:
    from finport_ingestion.cli.source_looks import Sample
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.records import SourceItem

_CHECKS = (column("source"), column("result"), column("told", "what it says", least=40), column("fix", least=0))
_ITEMS = (
    column("id", "item", least=30),
    column("size_bytes", "size", right=True, spell=screen.spell_bytes),
    column("modified_at", "modified (UTC)"),
    column("record_count", "records", right=True, spell=screen.spell_count),
    column("etag"),
    column("checksum"),
)
SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="Name of a Source document; it may be paused.")]


def check(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Name of a Source document; it may be paused.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every source, those that are paused too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Log in and say in one sentence how the source answers. Exits with 1 when one cannot be reached."""
    documents = surroundings.catalog(surroundings.project())
    if every == (source is not None):
        screen.complain("one source or all of them.", "name a source, or add --all")
        raise typer.Exit(Ending.USAGE)
    names = [source] if source is not None else sorted(documents.names("Source"))
    rows = [_checked(documents, name) for name in names]
    if every or as_json:
        screen.show_table(rows, _CHECKS, as_json=as_json, empty="the project has no Source document")
    elif rows[0]["result"] == "ok":
        screen.say(rows[0]["told"])
    else:
        screen.complain(rows[0]["told"], rows[0]["fix"])
    if any(row["result"] != "ok" for row in rows):
        raise typer.Exit(Ending.REFUSED)


def _checked(documents: Catalog, name: str) -> dict[str, Any]:
    from finport_ingestion.cli.source_looks import checked, looking_at

    try:
        with looking_at(documents, name) as context:
            return {"source": name, "result": "ok", "told": checked(context), "fix": None}
    except FinportError as error:
        return {"source": name, "result": "fail", "told": error.message, "fix": error.hint}


def discover(
    source: SourceName,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many items; 0 for all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what a first run would find, with what the source states of each item. Nothing is fetched."""
    from finport_ingestion.cli.source_looks import listed, looking_at

    documents = surroundings.catalog(surroundings.project())
    with looking_at(documents, source) as context:
        rows = [_item(item) for item in listed(context, limit=limit)]
    screen.show_table(rows, _ITEMS, as_json=as_json, empty=f"{source} lists nothing")


def _item(item: SourceItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "size_bytes": item.size_bytes,
        "modified_at": item.modified_at,
        "record_count": item.record_count,
        "etag": item.etag,
        "checksum": item.checksum,
        "media_type": item.media_type,
        "ranges": item.ranges,
    }


def sample(
    source: SourceName,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="So many records.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show the first records, read and typed as a run would do it. Nothing is published, and nothing is kept."""
    from finport_ingestion.cli.source_looks import looking_at, sampled

    documents = surroundings.catalog(surroundings.project())
    with looking_at(documents, source) as context:
        found = sampled(context, limit=limit)
    if as_json:
        screen.show_json(_document(found))
        return
    columns = [column(name, f"{name} ({kind})") for name, kind in found.columns]
    screen.show_table(found.rows.to_pylist(), columns, empty="no records")
    screen.remark(
        f"{found.rows.num_rows} of {found.row_count:,} record(s) of {found.item}, {found.quarantined:,} quarantined"
    )


def _document(found: Sample) -> dict[str, Any]:
    return {
        "item": found.item,
        "row_count": found.row_count,
        "quarantined": found.quarantined,
        "columns": [{"name": name, "type": kind} for name, kind in found.columns],
        "rows": found.rows.to_pylist(),
    }
