"""`finport detect` and `finport guess`: what files are, and the documents that describe them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending, refuse
from finport_ingestion.cli.options import AsJson

_COLUMNS = (
    screen.column("file"),
    screen.column("format"),
    screen.column("confidence", right=True, spell=lambda value: f"{value:.2f}" if value is not None else ""),
    screen.column("compression"),
    screen.column("encoding"),
    screen.column("reasons"),
)


def detect(
    inputs: Annotated[list[str], typer.Argument(metavar="FILE|DIR...", help="Files, or folders of files.")],
    as_json: AsJson = False,
) -> None:
    """Say what files are: by content first, then by name. Exits with 1 when one is not recognised."""
    from upath import UPath

    from finport_ingestion.cli.inputs import files_of
    from finport_ingestion.engine.convert.interface import RawFile
    from finport_ingestion.engine.convert.recognise import recognise
    from finport_ingestion.engine.errors import FinportError

    rows: list[dict[str, Any]] = []
    for path, size in files_of(inputs):
        raw = RawFile(path=UPath(path), uri=path, size_bytes=size, name=Path(path).name)
        try:
            found = recognise(raw)
        except FinportError as error:
            rows.append({"file": path, "format": None, "confidence": None, "reasons": (str(error),)})
        else:
            rows.append({"file": path, **dataclasses.asdict(found)})
    screen.show_table(rows, _COLUMNS, as_json=as_json, empty="no files")
    if any(row["format"] is None for row in rows):
        raise typer.Exit(Ending.REFUSED)


def guess(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A delivery that is like all others.", exists=True)],
    table: Annotated[str | None, typer.Option("--table", help="Of a file that holds several tables.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; the screen by default.")
    ] = (None),
) -> None:
    """Write a Format document with the contract that a file's values give, for a person to review.

    Every value of the file is read: the types hold all of them. What could not be told stands in comments.
    """
    from finport_ingestion.cli.guessed import document_of

    if out is not None and out.exists():
        raise refuse(f"{out} is there already.", "name another file, or remove it")
    text = document_of(file, table=table)
    if out is None:
        screen.say(text.rstrip("\n"))
    else:
        out.write_text(text, encoding="utf-8")
        screen.say(f"wrote {out}: review it, and put it into include/configs/formats")
