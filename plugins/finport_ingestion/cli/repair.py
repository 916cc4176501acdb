"""Files in which a person repairs rejected records: written with all that a record holds, and read back."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finport_ingestion.cli.quarantined import PART, REASON, ROW, TEXT
from finport_ingestion.engine.errors import ConfigError, FormatError

_OURS = (PART, ROW, REASON, TEXT)
_SUFFIXES = (".ndjson", ".jsonl", ".csv")
_OWNER_ONLY = 0o600


class Number(str):
    """A number of JSON, digit for digit as it is written: a float would change it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A record as a person put it right, and the landed record that it stands for."""

    part: str
    row: int
    fields: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        return self.part, self.row


def write_for_repair(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write records to a new file that only its owner can read; how many there were.

    Raises:
        ConfigError: The file is there already, or its name tells no format.
    """
    _check_suffix(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already.", hint="name another file, or remove it") from error
    except FileNotFoundError as error:
        raise ConfigError(f"there is no folder {path.parent}.", hint="make it, or name another file") from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        rows = list(records)
        if path.suffix == ".csv":
            names = list(dict.fromkeys(name for row in rows for name in row))
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def read_repaired(path: Path) -> list[Repaired]:
    """The records of a repaired file, in the order of the landed records that they stand for.

    Raises:
        ConfigError: There is no such file, or its name tells no format.
        FormatError: A line is no record, does not say which record it stands for, or is there twice.
    """
    _check_suffix(path)
    if not path.is_file():
        raise ConfigError(f"there is no file {path}.", hint="'finport quarantine show RUN --export FILE' writes one")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8.", offset_bytes=error.start, hint="save it as UTF-8") from error
    lines = _csv_lines(text, path) if path.suffix == ".csv" else _json_lines(text, path)
    found: dict[tuple[str, int], Repaired] = {}
    for number, fields in lines:
        record = _record(fields, where=f"{path}:{number}")
        if record.key in found:
            raise FormatError(f"{path}:{number}: row {record.row} of {record.part} is there twice.", hint="keep one")
        found[record.key] = record
    if not found:
        raise FormatError(f"{path} holds no record.", hint="keep the records that are to be released")
    return [found[key] for key in sorted(found)]


def _check_suffix(path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise ConfigError(f"{path.name} tells no format.", hint=f"end its name in {', '.join(_SUFFIXES)}")


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=Number, parse_int=Number)
        except ValueError as error:
            raise FormatError(f"{path}:{number}: not JSON: {error}.", hint="one object a line") from error
        if not isinstance(fields, dict):
            raise FormatError(f"{path}:{number}: not an object.", hint="one object a line")
        yield number, fields


def _csv_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if None in fields or None in fields.values():
                raise FormatError(f"{path}:{reader.line_num}: not as many fields as the header has.", hint="correct it")
            yield reader.line_num, {name: value or None for name, value in fields.items()}
    except csv.Error as error:
        raise FormatError(f"{path}:{reader.reader.line_num}: not CSV: {error}.", hint="correct the quotes") from error


def _record(fields: dict[str, Any], *, where: str) -> Repaired:
    part, row = fields.get(PART), str(fields.get(ROW) or "")
    if not isinstance(part, str) or not row.isdigit():
        raise FormatError(
            f"{where}: the record does not say which one it stands for.", hint=f"keep {PART} and {ROW} as exported"
        )
    own = {name: value for name, value in fields.items() if name not in _OURS}
    if not own:
        raise FormatError(f"{where}: the record has no fields.", hint=f"write its fields beside {PART} and {ROW}")
    return Repaired(part=part, row=int(row), fields=own)


def _as_cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
