"""What a zip archive says that it holds, checked before a byte is unpacked."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Sequence
from typing import BinaryIO

from finport_ingestion.engine.convert.containers.interface import Opening
from finport_ingestion.engine.errors import FormatError

_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 65_535
_LOCATOR, _LOCATOR_BYTES = b"PK\x06\x07", 20
_END_64, _END_64_BYTES = b"PK\x06\x06", 56
_MOST_DIRECTORY_BYTES = 64 << 20
_HEADER_BYTES = 30
_ENCRYPTED = 0x1
_DOS_FOLDER = 0x10
_MOST_COUNTED = 1 << 16  # archives without zip64 that hold more state the rest
_AGAIN = "ask for the file again: it was cut or changed on its way"


def entries_of(file: BinaryIO, *, uri: str, opening: Opening) -> list[zipfile.ZipInfo]:
    """The files of a zip archive, in its directory's order, without folders.

    Raises:
        FormatError: The directory is missing or contradicts itself or the limits.
    """
    end = _end(file, uri=uri, opening=opening)
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
            directory_at = archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError) as error:
        raise FormatError(f"{uri}: the directory of the zip archive is damaged ({error}).", hint=_AGAIN) from error
    if end.unknown_bytes:
        raise FormatError(
            f"{uri}: {end.unknown_bytes} bytes in front that the zip archive's directory does not know.", hint=_AGAIN
        )
    if len(found) % _MOST_COUNTED != end.entries % _MOST_COUNTED:
        raise FormatError(
            f"{uri}: the zip archive states {end.entries} entries, and its directory lists {len(found)}.", hint=_AGAIN
        )
    _refuse_overlap(found, directory_at, uri=uri)
    files = [entry for entry in found if not _is_folder(entry)]
    _refuse_links(files, uri=uri)
    stated = sum(entry.file_size for entry in files)
    if stated > opening.most_bytes:
        opening.refuse_size(stated)
    return files


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & _ENCRYPTED)


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """By its name; of programs for Windows, which end it with a backslash or not at all, by its attribute."""
    named = entry.filename.endswith("\\") or bool(entry.external_attr & _DOS_FOLDER)
    return entry.is_dir() or (named and entry.file_size == 0)


class _End:
    """The record at a zip archive's end, how many entries it states, and what lies in front of the archive."""

    def __init__(self, *, at: int, directory_bytes: int, directory_at: int, entries: int) -> None:
        self.unknown_bytes = at - directory_bytes - directory_at
        self.entries = entries


def _end(file: BinaryIO, *, uri: str, opening: Opening) -> _End:
    """Find the end record, so that a directory of any size is refused before it is held in memory."""
    size = file.seek(0, 2)
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise FormatError(
            f"{uri}: the zip archive has no directory at its end: the file is cut, or damaged there.",
            offset_bytes=size,
            hint=_AGAIN,
        )
    _refuse_trailing(tail[at:], start + at, uri=uri, opening=opening)
    directory_bytes, directory_at, entries = _place(tail[at:])
    directory_ends = start + at
    locator = tail[max(0, at - _LOCATOR_BYTES) : at]
    if locator.startswith(_LOCATOR):
        directory_ends = int.from_bytes(locator[8:16], "little")
        directory_bytes, directory_at, entries = _place_64(file, directory_ends, uri=uri)
    if directory_bytes > min(_MOST_DIRECTORY_BYTES, size):
        raise FormatError(
            f"{uri}: the zip archive states a directory of {directory_bytes} bytes; at most {_MOST_DIRECTORY_BYTES} "
            "are read.",
            hint="ask for smaller archives",
        )
    _count(file, directory_ends - directory_bytes, directory_bytes, uri=uri, opening=opening)
    return _End(at=directory_ends, directory_bytes=directory_bytes, directory_at=directory_at, entries=entries)


def _place(record: bytes) -> tuple[int, int, int]:
    """Size and place of the directory, and its number of entries."""
    return _number(record, 12, 4), _number(record, 16, 4), _number(record, 10, 2)


def _place_64(file: BinaryIO, at: int, *, uri: str) -> tuple[int, int, int]:
    file.seek(min(at, file.seek(0, 2)))
    record = file.read(_END_64_BYTES)
    if len(record) < _END_64_BYTES or not record.startswith(_END_64):
        raise FormatError(f"{uri}: the zip64 directory is not where the archive says.", offset_bytes=at, hint=_AGAIN)
    return _number(record, 40, 8), _number(record, 48, 8), _number(record, 32, 8)


def _number(record: bytes, at: int, size: int) -> int:
    return int.from_bytes(record[at : at + size], "little")


def _count(file: BinaryIO, at: int, size: int, *, uri: str, opening: Opening) -> None:
    if at < 0:
        raise FormatError(f"{uri}: the directory of the zip archive is damaged.", hint=_AGAIN)
    file.seek(at)
    entries = file.read(size).count(b"PK\x01\x02")
    if entries > opening.limits.archive_members:
        raise FormatError(
            f"{uri}: {entries} files inside; at most {opening.limits.archive_members} are taken.",
            hint="raise 'archiveMembers' of the policy's 'reading' if that many are meant",
        )
    file.seek(0)


def _refuse_trailing(record: bytes, at: int, *, uri: str, opening: Opening) -> None:
    rest = record[_END_BYTES + int.from_bytes(record[20:22], "little") :]
    if rest.strip(b"\0"):
        raise FormatError(f"{uri}: bytes follow the end of the zip archive at byte {at}.", offset_bytes=at, hint=_AGAIN)
    if rest:
        opening.warnings.append(f"{uri}: {len(rest)} zero bytes behind the zip archive.")


def _refuse_overlap(entries: Sequence[zipfile.ZipInfo], directory_at: int, *, uri: str) -> None:
    """Entries that share bytes unpack to more than they are: no honest writer makes them."""
    end = directory_at
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        # The name in the directory may be decoded, never longer than its bytes.
        if entry.header_offset + _HEADER_BYTES + len(entry.orig_filename) + entry.compress_size > end:
            raise FormatError(
                f"{uri}: the entry '{entry.filename}' of the zip archive overlaps what follows it.",
                offset_bytes=entry.header_offset,
                hint="do not open this file: honest programs do not write such archives",
            )
        end = entry.header_offset


def _refuse_links(entries: Sequence[zipfile.ZipInfo], *, uri: str) -> None:
    for entry in entries:
        mode = stat.S_IFMT(entry.external_attr >> 16)
        if mode not in (0, stat.S_IFREG):
            raise FormatError(
                f"{uri}: its entry '{entry.filename}' is a link or a device; only files are taken.",
                hint="ask the sender to pack the files themselves",
            )
