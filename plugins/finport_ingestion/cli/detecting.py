"""`finport detect` and `finport guess`: what files are, and the documents that describe them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending, refuse
from finport_ingestion.cli.options import AsJson

if TYPE_CHECKING:
    from finport_ingestion.cli.inputs import Input

_COLUMNS = (
    screen.column("name", "file", least=30),
    screen.column("format", spell=lambda value: value or "?"),
    screen.column("confidence", right=True, spell=lambda value: f"{value:.2f}" if value is not None else ""),
    screen.column("compression"),
    screen.column("encoding"),
    screen.column("reasons", spell="; ".join),
)


def detect(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|-...", help="Files, folders of files, or - for standard input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say what files are: by content first, then by name. Exits with 1 when one is not recognised."""
    from finport_ingestion.cli.converted import shown_names
    from finport_ingestion.cli.inputs import inputs_of
    from finport_ingestion.engine.errors import ConfigError

    try:
        files = inputs_of(inputs)
    except ConfigError as error:
        screen.complain(error.message, error.hint)
        raise typer.Exit(Ending.USAGE) from error
    rows = [_recognised(file) for file in files]
    if as_json:
        screen.show_json(rows)
    else:
        names = shown_names([file.path for file in files])
        screen.show_table([{"name": names[row["file"]], **row} for row in rows], _COLUMNS, empty="no files")
    if any(row["format"] is None for row in rows):
        raise typer.Exit(Ending.REFUSED)


def _recognised(file: Input) -> dict[str, Any]:
    from finport_ingestion.engine.convert.recognise import recognise
    from finport_ingestion.engine.errors import FinportError

    try:
        with file.opened() as raw:
            return {"file": file.path, **dataclasses.asdict(recognise(raw))}
    except FinportError as error:
        reason = str(error).removeprefix(f"{file.path}: ")
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    return {
        "file": file.path,
        "format": None,
        "confidence": None,
        "reasons": (reason,),
        "compression": None,
        "encoding": None,
    }


def guess(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A delivery that is like all others.")],
    table: Annotated[str | None, typer.Option("--table", help="Of a file that holds several tables.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; the screen by default.")
    ] = (None),
) -> None:
    """Write a Format document with the contract that a file's values give, for a person to review.

    Every value of the file is read: the types hold all of them. What could not be told stands in comments.
    """
    from finport_ingestion.cli.guessed import document_of

    if not file.is_file():
        screen.complain(f"there is no file {file}.", "name a delivery that is like all others")
        raise typer.Exit(Ending.USAGE)
    if out is not None and out.exists():
        raise refuse(f"{out} is there already.", "name another file, or remove it")
    if out is not None and not out.parent.is_dir():
        raise refuse(f"there is no folder {out.parent}.", "make it, or name another file")
    text = document_of(file, table=table)
    if out is None:
        screen.say(text.rstrip("\n"))
    else:
        out.write_text(text, encoding="utf-8")
        screen.say(f"wrote {out}: review it, and put it into include/configs/formats")
