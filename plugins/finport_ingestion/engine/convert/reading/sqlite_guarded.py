"""An SQLite file, opened so that nothing in it can run: read-only, immutable, plain tables by plain questions only."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import struct
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.errors import FormatError

MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
_FUNCTIONS = frozenset({"typeof", "sum", "min", "max"})
_PRAGMAS = frozenset({"table_list", "table_xinfo", "quick_check", "trusted_schema", "cell_size_check"})
# What the check says of constraints is no damage of the file: the values are there.
_DAMAGE = re.compile(r"(?i)\b(tree|freelist|page \d+|malformed|cell|btree\w*)\b")
_UNUSED = re.compile(r"(?i)never used")
_HINT = "ask for the file again: it may be cut, damaged, or encrypted"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its table declares it."""

    name: str
    declared: str


@dataclass(frozen=True, slots=True)
class Tables:
    """What a file has: tables with their columns, and what is not read."""

    plain: dict[str, tuple[Column, ...]]
    notes: tuple[str, ...]


def quoted(name: str) -> str:
    """`name` as SQL writes a name."""
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def opened(raw: RawFile) -> Iterator[tuple[sqlite3.Connection, tuple[str, ...]]]:
    """A connection to `raw` that can only read, and what a person should know of the file; closed at the end.

    Texts that are not UTF-8 come with surrogates for their bytes. Errors of SQLite become FormatErrors.

    Raises:
        FormatError: It is no SQLite file, cut or damaged.
    """
    warnings = _check_header(raw)
    with raw.local() as path, refused(raw):
        connection = sqlite3.connect(_uri(path), uri=True, isolation_level=None)
        try:
            _guard(connection, raw)
            _check_pages(connection, raw)
            yield connection, warnings
        finally:
            connection.close()


def _uri(path: Path) -> str:
    # Immutable: no lock, no journal, no write-ahead log beside the file is looked at.
    return f"file:{urllib.parse.quote(str(path.absolute()))}?mode=ro&immutable=1"


def _check_header(raw: RawFile) -> tuple[str, ...]:
    with raw.open() as stream:
        head = stream.read(_HEADER_BYTES)
        stream.seek(0)
        if not head.startswith(MAGIC):
            refuse_signature(stream, raw=raw, expected="an SQLite database")
    if not head.startswith(MAGIC):
        what = "is empty" if not head else "no SQLite database"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format', or ask for it again")
    if len(head) < _HEADER_BYTES:
        raise FormatError(f"{raw.uri}: it ends in its header.", offset_bytes=len(head), hint=_HINT)
    size = struct.unpack_from(">H", head, 16)[0]
    page = 65_536 if size == 1 else size
    changed, pages, *_ = struct.unpack_from(">2I", head, 24)
    valid_for = struct.unpack_from(">I", head, 92)[0]
    if page < 512 or page & (page - 1):
        raise FormatError(f"{raw.uri}: byte 16: pages of {page} bytes.", offset_bytes=16, hint=_HINT)
    if changed == valid_for and pages * page > raw.size_bytes:
        said = f"it says that it has {pages} pages of {page} bytes, and has {raw.size_bytes} bytes"
        raise FormatError(f"{raw.uri}: {said}.", offset_bytes=raw.size_bytes, hint=_HINT)
    if head[18] == 2:
        return ("it was used with a write-ahead log: changes that lie in its '-wal' file are not read",)
    return ()


def _guard(connection: sqlite3.Connection, raw: RawFile) -> None:
    connection.text_factory = _text
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, raw.limits.record_bytes)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.set_authorizer(_allows)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _allows(action: int, one: str | None, other: str | None, database: str | None, inner: str | None) -> int:
    """What may be done: nothing that a view, trigger, default or computed column of the file could add."""
    if inner is not None:
        return sqlite3.SQLITE_DENY
    if action in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and other in _FUNCTIONS):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and one in _PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _check_pages(connection: sqlite3.Connection, raw: RawFile) -> None:
    """Each page of the file belongs to one place, so that no row is missing or there twice."""
    for (said,) in connection.execute("PRAGMA quick_check"):
        lines = [line for line in str(said).splitlines() if _DAMAGE.search(line) and not _UNUSED.search(line)]
        if lines:
            raise FormatError(f"{raw.uri}: it is damaged: {lines[0][:200].strip()}.", hint=_HINT)


@contextlib.contextmanager
def refused(raw: RawFile) -> Iterator[None]:
    """Errors of SQLite as FormatErrors."""
    try:
        yield
    except sqlite3.DataError as error:
        raise FormatError(
            f"{raw.uri}: a record is larger than {raw.limits.record_bytes} bytes.",
            hint="raise 'recordBytes' of the policy's 'reading', or ask for smaller records",
        ) from error
    except (sqlite3.Error, UnicodeError) as error:
        raise FormatError(f"{raw.uri}: not readable as an SQLite database: {error}.", hint=_HINT) from error


def tables_of(connection: sqlite3.Connection) -> Tables:
    """The plain tables, in the order in which they were made. SQLite's own are left out."""
    plain: dict[str, tuple[Column, ...]] = {}
    notes: list[str] = []
    order = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    kinds = {row[1]: row[2] for row in connection.execute("PRAGMA table_list") if row[0] == "main"}
    for name in order:
        kind = kinds.get(name, "")
        if kind == "table" and not name.startswith("sqlite_"):
            plain[name], computed = _columns(connection, name)
            notes += [
                f"column '{column}' of table '{name}' is computed from others, and not read" for column in computed
            ]
        elif kind in ("view", "virtual"):
            notes.append(
                f"{kind}{' table' if kind == 'virtual' else ''} '{name}' is not read: only plain tables are data"
            )
    return Tables(plain, tuple(notes))


def _columns(connection: sqlite3.Connection, table: str) -> tuple[tuple[Column, ...], list[str]]:
    stored: list[Column] = []
    computed: list[str] = []
    for _, name, declared, _, _, _, hidden in connection.execute(f"PRAGMA table_xinfo({quoted(table)})"):
        if hidden in (0, 3):
            stored.append(Column(name, declared or ""))
        else:
            computed.append(name)
    return tuple(stored), computed
