"""One file, as a person has it, to typed tables: recognised, unpacked, converted, written, accounted for.

What is written appears in the output folder when all of it is there; of a refused file nothing does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.convert.isolation import isolated
from finport_ingestion.engine.convert.output_folder import new_scratch, publish, refuse_foreign_target, target_of
from finport_ingestion.engine.convert.outputs.interface import Output
from finport_ingestion.engine.convert.recognise import reader_of, recognise
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import FileReport, Outcome, TableReport, outcome_of
from finport_ingestion.engine.convert.table_files import TableFiles, convert_tables
from finport_ingestion.engine.convert.tables import Joined, OneTable
from finport_ingestion.engine.convert.unpack import unpacked
from finport_ingestion.engine.errors import FinportError, FormatError, TransientError
from finport_ingestion.engine.options import FormatOptions, UnpackOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.interface import RawFile, Reader

_KIB = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants of some files."""

    output: Output
    options: FormatOptions | None = None  # of a Format document; without it each file is recognised
    contract: Contract = field(default_factory=Contract)
    max_error_share: float = 1.0  # of the records of a file that may be set aside
    max_file_bytes: int = 1 << 30
    partition_by: tuple[str, ...] = ()
    password: Callable[[], str | None] = lambda: None
    tick: Callable[[int, int], None] = lambda rows, size_bytes: None  # rows and bytes done
    threads: int = 1
    gathered_bytes: int = 16 << 20  # a file up to this size is read once, into memory


def convert_file(raw: RawFile, folder: Path, *, wish: Wish, place: PurePath | None = None) -> FileReport:
    """Convert `raw` into a folder of its name below `folder`.

    Never raises for what is wrong with the file: that is a report whose outcome is `refused`.

    Args:
        place: The folder below `folder`, where it is not called as the file.

    Raises:
        TransientError: The output cannot be written now.
    """
    began = time.perf_counter()
    told = _Told(path=str(raw.uri))
    target = target_of(folder, place or PurePath(raw.file_name))
    scratch = new_scratch(folder)
    try:
        refuse_foreign_target(target)
        tables = _convert(raw, scratch, told, wish)
        _refuse_too_many_errors(tables, raw, wish)
        tables = _publish(scratch, target, tables)
        told.tables = tables
        quarantined = sum(table.quarantined for table in tables)
        told.outcome = outcome_of(quarantined=quarantined, warned=bool(told.warnings or told.drift))
    except TransientError:
        raise
    except FinportError as error:
        told.outcome, told.error = Outcome.REFUSED, str(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    peak = _peak_memory_bytes()
    return told.report(seconds=time.perf_counter() - began, size_bytes=raw.size_bytes, peak=peak)


def _peak_memory_bytes() -> int:
    """Of this process so far. Linux keeps the starting process's peak in `ru_maxrss` over an exec."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


@dataclass(slots=True, kw_only=True)
class _Told:
    """What is known of the file so far."""

    path: str
    outcome: Outcome = Outcome.OK
    format: str | None = None
    compression: str | None = None
    confidence: float | None = None
    facts: dict[str, str] = field(default_factory=dict)
    tables: Sequence[TableReport] = ()
    warnings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    drift: dict[str, None] = field(default_factory=dict)
    error: str | None = None

    def report(self, *, seconds: float, size_bytes: int, peak: int) -> FileReport:
        return FileReport(
            path=self.path,
            outcome=self.outcome,
            format=self.format,
            encoding=self.facts.get("encoding"),
            compression=self.compression,
            confidence=self.confidence,
            tables=tuple(self.tables),
            warnings=tuple(self.warnings),
            notes=tuple(self.notes),
            drift=tuple(self.drift),
            error=self.error,
            seconds=round(seconds, 4),
            bytes=size_bytes,
            peak_memory_bytes=peak,
        )


def _convert(raw: RawFile, scratch: Path, told: _Told, wish: Wish) -> list[TableReport]:
    unpack = wish.options.unpack if wish.options else UnpackOptions()
    with unpacked(raw, options=unpack, password=wish.password) as inside:
        told.compression = inside.compression
        told.notes.update(dict.fromkeys(inside.notes))
        told.warnings.update(dict.fromkeys(inside.warnings))
        tables: list[TableReport] = []
        for prefix, file, reader in _readers(raw, inside.files, told, wish):
            found = convert_tables(file, reader, folder=scratch, prefix=prefix, wish=wish)
            _tell(found, told)
            tables.extend(found.tables)
        return tables


def _readers(raw: RawFile, files: Sequence[RawFile], told: _Told, wish: Wish) -> Iterator[tuple[str, RawFile, Reader]]:
    """What is read, in turn: the name that its tables begin with, the file, and what reads it."""
    if wish.options and wish.options.unpack.union and len(files) > 1:
        options = _options(files[0], told, wish)
        whole = dataclasses.replace(raw, size_bytes=sum(file.size_bytes for file in files))
        yield "", whole, _meant(Joined(_reader(options), files), wish)
        return
    for file, prefix in zip(files, _prefixes(raw, files), strict=True):
        yield prefix, file, _meant(_reader(_options(file, told, wish)), wish)


def _prefixes(raw: RawFile, files: Sequence[RawFile]) -> list[str]:
    """What the tables of each file are called after: its name; its path in the archive where others are called so."""
    if len(files) == 1:
        return [""]
    often = Counter(file.file_name for file in files)
    paths = [file.uri.removeprefix(f"{raw.uri}!") for file in files]
    names = [path if often[file.file_name] > 1 else file.file_name for file, path in zip(files, paths, strict=True)]
    # Two tables of one name would be written to one place.
    again = Counter(names)
    return [f"{name}!{number}" if again[name] > 1 else name for number, name in enumerate(names, 1)]


def _reader(options: FormatOptions) -> Reader:
    reader: Reader = reader_of(options)
    return isolated(reader) if reader.isolated else reader


def _meant(reader: Reader, wish: Wish) -> Reader:
    """A contract is of one table, as a Source has one: the one that is stated, or the main one."""
    stated = wish.options.table if wish.options else None
    return OneTable(reader, stated) if stated or wish.contract.columns else reader


def _options(file: RawFile, told: _Told, wish: Wish) -> FormatOptions:
    if wish.options is not None:
        told.format = wish.options.format
        return wish.options
    recognised = recognise(file)
    told.format = recognised.format
    told.confidence = min(recognised.confidence, told.confidence or 1.0)
    if recognised.warning:
        told.warnings[f"{file.uri}: {recognised.warning}"] = None
    if recognised.encoding and not FORMATS.get(recognised.format).typed:
        told.facts["encoding"] = recognised.encoding
    options: FormatOptions = FORMATS.get(recognised.format).Options.model_validate({"format": recognised.format})
    return options


def _tell(found: TableFiles, told: _Told) -> None:
    told.facts.update(found.facts)
    told.warnings.update(dict.fromkeys(found.warnings))
    told.notes.update(dict.fromkeys(found.notes))
    told.drift.update(dict.fromkeys(found.drift))


def _refuse_too_many_errors(tables: Sequence[TableReport], raw: RawFile, wish: Wish) -> None:
    bad = sum(table.quarantined for table in tables)
    count = bad + sum(table.rows for table in tables)
    if count and bad / count > wish.max_error_share:
        raise FormatError(
            f"{raw.uri}: {bad} of {count} records cannot be read, more than the share of {wish.max_error_share:g}.",
            hint="look at them with a larger --max-error-share, or ask for the file again",
        )


def _publish(scratch: Path, target: Path, tables: Sequence[TableReport]) -> list[TableReport]:
    publish(scratch, target)
    return [table.moved(str(scratch), str(target)) for table in tables]
