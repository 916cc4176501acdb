"""The document that `finport guess` writes: tried on the file before it is shown."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.cli.inputs import Input
from finport_ingestion.cli.trials import Trials, table_of, unlike, values_of, written_as
from finport_ingestion.engine.convert.decorated import MARKS, Convention, Decor
from finport_ingestion.engine.convert.evidence import ENUMERATION
from finport_ingestion.engine.convert.infer import decide
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.recognise import reader_of
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import ColumnReport, FileReport, TableReport
from finport_ingestion.engine.convert.unpack import unpacked
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import parse_logical
from finport_ingestion.engine.options import UnpackOptions

_MOST_NAME = 60
_MOST_LISTED = 120
_MARKS = {label: mark for mark in MARKS if (label := Decor(frozenset({mark})).label)}
_DELIMITED = ("csv", "tsv", "psv")
_NO_VALUES = ("NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "NaN", "nan", "-", "--", ".", "?", "n.a.", "nil")
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*[A-Za-z0-9_]|[A-Za-z_]")
_OTHER_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def document_of(file: Path, *, table: str | None) -> str:
    """A Format document for files like `file`, as YAML.

    Raises:
        FormatError: The file is of no known format, or not readable.
        ConfigError: It has no table of that name, or is an archive of several files.
    """
    one = Input(path=str(file), size_bytes=file.stat().st_size, place=Path(file.name))
    with one.opened() as raw, tempfile.TemporaryDirectory(prefix="finport-") as folder:
        return "".join(f"{line}\n" for line in _lines(_guess(raw, Path(folder), table), file))


@dataclass(slots=True, kw_only=True)
class _Guess:
    """What was found out of a file."""

    options: dict[str, Any]
    table: TableReport
    told: tuple[str, ...]  # warnings and notes
    left_out: list[str] = field(default_factory=list)  # columns that a contract would read in another way
    commas: list[str] = field(default_factory=list)  # columns of decimal commas that `options` do not state
    absent: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # columns that would be typed, were some texts no values

    def contract(self) -> list[ColumnReport]:
        return [column for column in self.table.columns if column.name not in self.left_out]


def _guess(raw: RawFile, folder: Path, wanted: str | None) -> _Guess:
    trials = Trials(raw, folder)
    report = trials.converted()
    options = _dialect(raw, report)
    if len(report.tables) > 1:
        options["table"] = table_of(report, wanted).name
    guess = _tried(trials, options, report, wanted)
    if (guess.left_out or guess.commas) and report.format in _DELIMITED:
        guess = _with_decimal_comma(trials, guess)
    # On a day without any value that tells it, a contract would take their points for decimal ones.
    guess.left_out += [name for name in guess.commas if name not in guess.left_out]
    if report.format in _DELIMITED:
        guess.absent = dict(_absent(guess.table))
    return guess


def _tried(trials: Trials, options: dict[str, Any], report: FileReport, wanted: str | None) -> _Guess:
    """The guess that its own contract leaves the values as they are."""
    table = table_of(report, wanted)
    guess = _Guess(options=options, table=table, told=(*report.warnings, *report.notes))
    guess.left_out = [column.name for column in table.columns if not _is_logical(column.type)]
    columns = [_agreed(column) for column in guess.contract()]
    if columns:
        again = table_of(trials.converted(options, columns), None)
        guess.left_out += [name for name in unlike(table, again) if name not in guess.left_out]
    if not options.get("decimalComma"):
        guess.commas = [column.name for column in table.columns if written_as(table, column.name) == Convention.COMMA]
    return guess


def _with_decimal_comma(trials: Trials, plain: _Guess) -> _Guess:
    """The same with `decimalComma`, where it gives the columns that need it their values and takes them from none."""
    options = {**plain.options, "decimalComma": True}
    guess = _tried(trials, options, trials.converted(options), None)
    other = unlike(plain.table, guess.table)
    typed = {column.name for column in plain.table.columns if column.type != "text"}
    needed = {*plain.left_out, *plain.commas, *typed}
    return plain if needed & set(other) or guess.left_out else guess


def _dialect(raw: RawFile, report: FileReport) -> dict[str, Any]:
    """The `convert` block: what the reader found out, so that the next file is read in the same way."""
    found: dict[str, Any] = {"format": report.format}
    with unpacked(raw, options=UnpackOptions(), password=lambda: None) as inside:
        if len(inside.files) > 1:
            raise ConfigError(
                f"{raw.uri}: holds {len(inside.files)} files.", hint="unpack it, and guess from one of them"
            )
        if report.format not in _DELIMITED:
            return found
        options = FORMATS.get(report.format).Options.model_validate(found)
        first = next(iter(reader_of(options).read(inside.files[0])))
    if report.format == "csv" and first.facts["delimiter"] != ",":
        found["delimiter"] = first.facts["delimiter"]
    if report.encoding not in (None, "utf-8"):
        found["encoding"] = report.encoding
    names = first.columns.schema.names
    if names and all(first.originals.get(name) == "" for name in names):
        found |= {"header": False, "columns": list(names)}
    return found


def _absent(table: TableReport) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Columns of text, and the texts in them without which they would be of another type."""
    for column in table.columns:
        if column.type != "text" or column.label not in (None, ENUMERATION):
            continue
        values = values_of(table, column.name).combine_chunks()
        marks = pc.is_in(values, value_set=pa.array(_NO_VALUES))
        rest = values.filter(pc.invert(marks)).drop_null()
        if not 0 < len(rest) < len(values) - values.null_count:
            continue
        if decide(column.name, look(rest).evidence).logical.kind != "text":
            yield column.name, tuple(pc.unique(values.filter(marks)).to_pylist())


def _is_logical(kind: str) -> bool:
    try:
        parse_logical(kind)
    except ValueError:
        return False
    return True


def _agreed(column: ColumnReport) -> dict[str, str]:
    mark = _MARKS.get(column.label or "")
    return {"name": column.name, "type": column.type, **({"mark": mark} if mark else {})}


def _lines(guess: _Guess, file: Path) -> Iterator[str]:
    yield f"# Guessed by finport from {_one_line(file.name)}: all {guess.table.rows:,} records are so. Review it."
    yield from (f"# {_one_line(sentence)}" for sentence in guess.told)
    yield "apiVersion: finport.io/v1"
    yield "kind: Format"
    yield f"metadata: {{name: {_text(_name(file))}}}"
    yield "spec:"
    yield f"  description: {_text(f'As delivered in {file.name}.')}"
    yield "  owner: data-platform"
    yield "  convert:"
    yield from (f"    {key}: {_value(value)}" for key, value in guess.options.items())
    yield from (f"    # {line}" for line in _for_the_person(guess))
    if guess.contract():
        yield "  contract:"
        yield "    columns:"
        yield from _columns(guess)


def _for_the_person(guess: _Guess) -> Iterator[str]:
    """Keys that the values do not tell."""
    for column in guess.table.columns:
        if column.label == "ambiguous date":
            yield f"dateOrder: dmy  # or mdy, as the sender says: column {_text(column.name)}"
            break
    if guess.absent:
        texts = ", ".join(sorted({json.dumps(text) for texts in guess.absent.values() for text in texts}))
        yield f'nullValues: ["", {texts}]  # if that means "no value": columns {", ".join(map(_text, guess.absent))}'


def _columns(guess: _Guess) -> Iterator[str]:
    for column in guess.table.columns:
        line = f"- {{{', '.join(f'{key}: {_text(value)}' for key, value in _agreed(column).items())}}}"
        if column.name in guess.left_out:
            yield f"    # {line}  # is found out from the values of each file"
        else:
            told = _told(column, guess.table)
            yield f"    {line}" + (f"  # {told}" if told else "")


def _told(column: ColumnReport, table: TableReport) -> str | None:
    if column.label != ENUMERATION:
        return column.label if column.label != column.type else None
    values = sorted(pc.unique(values_of(table, column.name)).drop_null().to_pylist())
    listed = f"[{', '.join(map(_text, values))}]"
    # A list that is guessed is never a rule: the next file may bring another value.
    return f"{ENUMERATION}; add allowed: {listed} to set others aside" if len(listed) <= _MOST_LISTED else ENUMERATION


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else _text(str(value))


def _text(text: str) -> str:
    """A text as YAML writes it: in quotes where it could be taken for something else."""
    if _PLAIN_WORD.fullmatch(text) and text.lower() not in _OTHER_WORDS:
        return text
    quoted = json.dumps(text.replace("${", "$${"), ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _name(file: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", file.name.partition(".")[0].lower()).strip("-")
    return plain[:_MOST_NAME].strip("-") or "format"
