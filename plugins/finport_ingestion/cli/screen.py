"""What a person sees: tables and sentences, coloured on a terminal, plain elsewhere, JSON where it is asked for."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

_COLOURS = {
    "succeeded": "green",
    "ok": "green",
    "ok with warnings": "yellow",
    "quarantined rows": "yellow",
    "refused": "red",
    "skipped": "yellow",
    "warn": "yellow",
    "running": "cyan",
    "retrying": "yellow",
    "failed": "red",
    "fail": "red",
    "abandoned": "red",
    "added": "green",
    "removed": "red",
    "changed": "yellow",
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_GAP = "  "
_FRAME = 3  # characters around each column of a table
_WORTH = 16  # characters of a column that may be left out: fewer say nothing
_UNSEEN = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {127: 0x2421}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: where its value stands in a row, and how it is written."""

    key: str
    title: str
    right: bool = False
    spell: Callable[[Any], str] | None = None
    least: int | None = None  # characters that it may be cut to where a terminal is too narrow; 0: it may be left out


def column(
    key: str,
    title: str | None = None,
    *,
    right: bool = False,
    spell: Callable[[Any], str] | None = None,
    least: int | None = None,
) -> Column:
    """A column whose title is its key, unless said otherwise."""
    return Column(key=key, title=title or key.replace("_", " "), right=right, spell=spell, least=least)


def show_table(
    rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool = False, empty: str = "nothing"
) -> None:
    """Print rows: as a table, or whole as a JSON list.

    Args:
        empty: The sentence to print when there are no rows (not in JSON, which is then an empty list).
    """
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        say(empty)
        return
    cells = [[_cell(row.get(column.key), column) for column in columns] for row in rows]
    if is_terminal(sys.stdout):
        console = _console(sys.stdout)
        console.print(_table(cells, columns, width=console.width))
    else:
        for line in _plain_lines(cells, columns):
            say(line)


def show_json(document: object) -> None:
    """Print a document as JSON, made for programs."""
    print(json.dumps(document, indent=2, default=_encode, ensure_ascii=False))


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a line for a person."""
    _print(text, sys.stdout, style)


def heading(text: str) -> None:
    """Print what the following lines are about."""
    say()
    say(text, style="bold")


def remark(text: str) -> None:
    """Print a line that is no result: it goes to the other stream, so that a pipe gets results only."""
    _print(text, sys.stderr, "dim")


def complain(message: str, hint: str | None = None) -> None:
    """Print what went wrong, and how it is put right."""
    _print(f"Error: {message}", sys.stderr, "red")
    if hint:
        _print(f"Fix: {hint}", sys.stderr, None)


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person looks at the stream, who wants colours and lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def spell_bytes(size: float | None) -> str:
    """`1.5 MiB`."""
    if size is None:
        return ""
    for unit in _UNITS[:-1]:
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def spell_count(count: int | None) -> str:
    """`1,234,567`."""
    return "" if count is None else f"{count:,}"


def spell_some(count: int | None) -> str:
    """`1,234`, and nothing for none: zeros hide what there is."""
    return spell_count(count) if count else ""


def spell_some_bytes(size: float | None) -> str:
    """`1.5 MiB`, and nothing for none."""
    return spell_bytes(size) if size else ""


def spell_seconds(seconds: float | None) -> str:
    """`0.25`, `12.3`, `1,234`: no more digits than say something."""
    if seconds is None:
        return ""
    digits = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:,.{digits}f}"


def spell(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(spell(item) for item in value)
    return str(value)


def visible(text: str) -> str:
    """`text` without what would steer the terminal, or what no stream takes: names come from files of others."""
    return text.translate(_UNSEEN).encode("utf-8", "backslashreplace").decode()


def _cell(value: object, column: Column) -> str:
    text = column.spell(value) if column.spell else spell(value)
    return visible(" ".join(text.split("\n")))


def _cut(cells: Sequence[Sequence[str]], columns: Sequence[Column], *, width: int) -> list[int]:
    """How wide each column is where the table may be `width` characters wide: the last ones are cut first."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, (column.title, *texts))) for column, *texts in zip(columns, *cells, strict=True)]
    over = sum(widths) + _FRAME * len(columns) - width
    for place, column in reversed(list(enumerate(columns))):
        if column.least is not None and over > 0 and widths[place] > column.least:
            given = max(column.least, widths[place] - over)
            given = 0 if column.least == 0 and given < _WORTH else given
            over -= widths[place] - given + (0 if given else _FRAME)
            widths[place] = given
    return widths


def _shortened(text: str, width: int) -> str:
    """A name without its middle, a sentence without its end."""
    if len(text) <= width:
        return text
    tail = 0 if " " in text else width // 2
    return f"{text[: width - tail - 1]}…{text[len(text) - tail :]}"


def _table(cells: Sequence[Sequence[str]], columns: Sequence[Column], *, width: int) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = [(place, wide) for place, wide in enumerate(_cut(cells, columns, width=width)) if wide]
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for place, _ in shown:
        table.add_column(columns[place].title, justify="right" if columns[place].right else "left", overflow="fold")
    for row in cells:
        texts = [_shortened(row[place], wide) for place, wide in shown]
        table.add_row(*(Text(text, style=_COLOURS.get(text, "")) for text in texts))
    return table


def _plain_lines(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> list[str]:
    titles = [column.title.upper() for column in columns]
    widths = [max(len(row[place]) for row in (titles, *cells)) for place in range(len(columns))]
    lines = []
    for row in (titles, *cells):
        padded = [
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append(_GAP.join(padded).rstrip())
    return lines


def _print(text: str, stream: IO[str], style: str | None) -> None:
    text = visible(text)
    if not is_terminal(stream):
        print(text, file=stream)
        return
    from rich.text import Text

    _console(stream).print(Text(text, style=style or ""), soft_wrap=True)


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False)


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, PurePath):
        return str(value)
    return str(value)
