"""zip and zip64: stored, deflated and the rarer methods; with a password by ZipCrypto or AES."""

from __future__ import annotations

import contextlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator, Sequence
from functools import cache
from typing import Any, BinaryIO

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, Readable
from finport_ingestion.engine.convert.containers.streams import Bounded, Inflated, deflate_codec
from finport_ingestion.engine.convert.containers.zip_directory import entries_of, is_encrypted
from finport_ingestion.engine.errors import AccessDenied, FormatError

_LOCAL = b"PK\x03\x04"
_EMPTY = b"PK\x05\x06"
_HEADER_BYTES = 30
_ZSTD_METHOD = 93
_ALL = 1 << 62
_OFFICE = ("[Content_Types].xml", "mimetype")
_ARRAY = ".npy"
_PARTS = (_ARRAY, ".rels")
_AGAIN = "ask for the file again: it was cut or changed on its way"


class ZipContainer:
    """`.zip`. Office documents and numpy archives are zips too, but formats of their own."""

    name = "zip"
    suffixes = (".zip",)

    def opens(self, packed: Packed, opening: Opening) -> bool:
        first = _first_name(packed.head)
        if not packed.head.startswith((_LOCAL, _EMPTY)) or first in _OFFICE:
            return False
        try:
            with packed.file() as file:
                names = [entry.filename for entry in entries_of(file, uri=packed.uri, opening=opening)]
        except FormatError:
            if first.endswith(_PARTS):
                return False  # a document that is cut: its own reader says what it is
            if not opening.peeking:
                raise
            return True
        return not is_a_format(names)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        with packed.file() as file, contextlib.ExitStack() as closing:
            try:
                entries = entries_of(file, uri=packed.uri, opening=opening)
            except FormatError:
                if not opening.peeking or len(packed.head) <= _HEADER_BYTES:
                    raise
                yield from _first_of_a_cut_file(file, packed, opening)
                return
            library = _Library(file, packed.uri, opening, closing)
            for entry in entries:
                if is_encrypted(entry) or entry.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
                    yield Member(name=entry.filename, stream=library.open(entry))
                else:
                    yield Member(name=entry.filename, stream=_plain(file, entry, packed.uri, opening))


def is_a_format(names: Sequence[str]) -> bool:
    """Whether a zip of such files is a document of another format."""
    return any(name in _OFFICE for name in names) or (bool(names) and all(name.endswith(_ARRAY) for name in names))


def _first_name(head: bytes) -> str:
    """The name in the first local header."""
    length = int.from_bytes(head[26:28], "little")
    return head[_HEADER_BYTES : _HEADER_BYTES + length].decode("utf-8", "replace")


def _first_of_a_cut_file(file: BinaryIO, packed: Packed, opening: Opening) -> Generator[Member]:
    """As much as there is of the first file, for a look at it."""
    head = packed.head
    entry = zipfile.ZipInfo(_first_name(head) or "unnamed")
    entry.header_offset = 0
    entry.compress_type = int.from_bytes(head[8:10], "little")
    if head[6] & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return
    entry.compress_size = packed_bytes if (packed_bytes := int.from_bytes(head[18:22], "little")) else 1 << 62
    yield Member(name=entry.filename, stream=_content(file, entry, packed.uri, opening))


def _plain(file: BinaryIO, entry: zipfile.ZipInfo, uri: str, opening: Opening) -> Readable:
    return _Verified(_content(file, entry, uri, opening), entry, uri=uri)


def _content(file: BinaryIO, entry: zipfile.ZipInfo, uri: str, opening: Opening) -> Readable:
    packed = Bounded(
        _From(file, _data_at(file, entry, uri)), entry.compress_size, uri=uri, what=f"its entry '{entry.filename}'"
    )
    if entry.compress_type == zipfile.ZIP_STORED:
        return packed
    where = f"{uri}!{entry.filename}"
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        # No second member may follow: none begins with a zero, since zeros are taken for padding.
        codec = deflate_codec("zip", in_gzip=False, signature=b"\0")
        return Inflated(packed, codec, uri=where, opening=opening)
    if entry.compress_type == _ZSTD_METHOD:
        from finport_ingestion.engine.convert.containers.zstd_stream import Zstd

        return Zstd(packed, uri=where)
    raise FormatError(
        f"{uri}: its entry '{entry.filename}' is packed by zip method {entry.compress_type}, which is not read.",
        offset_bytes=entry.header_offset,
        hint="ask for an ordinary zip (deflate)",
    )


def _data_at(file: BinaryIO, entry: zipfile.ZipInfo, uri: str) -> int:
    """Where the bytes of an entry begin, behind a header of its own that has to be of the same name."""
    file.seek(entry.header_offset)
    header = file.read(_HEADER_BYTES)
    name_bytes, extra_bytes = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    name = file.read(name_bytes)
    known = entry.orig_filename
    if not header.startswith(_LOCAL) or name.decode("utf-8", "replace") != known != name.decode("cp437"):
        raise FormatError(
            f"{uri}: what the zip archive's directory says of '{entry.filename}' is not what stands there.",
            offset_bytes=entry.header_offset,
            hint=_AGAIN,
        )
    return entry.header_offset + _HEADER_BYTES + name_bytes + extra_bytes


class _From:
    """A file from a place on; others may seek in it meanwhile."""

    def __init__(self, file: BinaryIO, at: int) -> None:
        self._file = file
        self._at = at

    def read(self, size: int, /) -> bytes:
        self._file.seek(self._at)
        content = self._file.read(size)
        self._at += len(content)
        return content


class _Verified:
    """The content of an entry, compared with the length and CRC that the directory states."""

    def __init__(self, stream: Readable, entry: zipfile.ZipInfo, *, uri: str) -> None:
        self._stream = stream
        self._entry = entry
        self._uri = uri
        self._size = 0
        self._crc = 0

    def read(self, size: int, /) -> bytes:
        from isal import isal_zlib

        content = self._stream.read(size)
        self._size += len(content)
        self._crc = isal_zlib.crc32(content, self._crc)
        wrong = self._size != self._entry.file_size or self._crc != self._entry.CRC
        if self._size > self._entry.file_size or (not content and wrong):
            raise _other_content(self._uri, self._entry)
        return content


def _other_content(uri: str, entry: zipfile.ZipInfo) -> FormatError:
    return FormatError(
        f"{uri}: its entry '{entry.filename}' is not of the length and checksum that the zip archive states.",
        offset_bytes=entry.header_offset,
        hint=_AGAIN,
    )


class _Library:
    """What pyzipper reads: encrypted entries and the rarer methods."""

    def __init__(self, file: BinaryIO, uri: str, opening: Opening, closing: contextlib.ExitStack) -> None:
        self._file = file
        self._uri = uri
        self._opening = opening
        self._closing = closing
        self._archive: Any = None
        self._known: dict[int, Any] = {}  # entries, by place

    def open(self, entry: zipfile.ZipInfo) -> Readable:
        """The content of `entry`, decrypted with the first spelling of the password that fits."""
        last: Exception | None = None
        for password in self._passwords(entry) if is_encrypted(entry) else [None]:
            try:
                self._parse()
                known = self._known[entry.header_offset]
                known.file_size = _ALL  # of a shorter one it would give a part, and find nothing wrong with it
                stream = self._archive.open(known, "r", password)
                return _FromLibrary(stream, entry, uri=self._uri)
            except library_errors() as error:
                last = error
        raise _unreadable(self._uri, entry, why=last) from last

    def _parse(self) -> None:
        from finport_ingestion.engine.convert.containers.zip_crypto import ZipFile

        if self._archive is None:
            self._archive = self._closing.enter_context(ZipFile(self._file))
            self._known = {known.header_offset: known for known in self._archive.infolist()}

    def _passwords(self, entry: zipfile.ZipInfo) -> list[bytes]:
        """The password as programs of several systems spell it in bytes."""
        password = self._opening.password()
        if not password:
            raise AccessDenied(
                f"{self._uri}: its entry '{entry.filename}' is encrypted, and there is no password.",
                hint="name the Airflow connection that holds the password in 'convert: {unpack: {connection: ...}}'",
            )
        return list(dict.fromkeys(password.encode(name, "replace") for name in ("utf-8", "cp437", "cp1252")))


class _FromLibrary:
    """A stream of pyzipper, with its errors as ours, and its length compared with what the directory states."""

    def __init__(self, stream: BinaryIO, entry: zipfile.ZipInfo, *, uri: str) -> None:
        self._stream = stream
        self._entry = entry
        self._uri = uri
        self._size = 0

    def read(self, size: int, /) -> bytes:
        try:
            content = self._stream.read(size)
        except library_errors() as error:
            raise _unreadable(self._uri, self._entry, why=error) from error
        self._size += len(content)
        if self._size > self._entry.file_size or (not content and self._size != self._entry.file_size):
            raise _other_content(self._uri, self._entry)
        return content


@cache
def library_errors() -> tuple[type[Exception], ...]:
    """What pyzipper raises for broken bytes; its BadZipFile is not the standard library's."""
    import pyzipper

    of_zip = (pyzipper.BadZipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
    return (*of_zip, RuntimeError, EOFError, OSError, ValueError, LookupError)


def _unreadable(uri: str, entry: zipfile.ZipInfo, *, why: Exception | None) -> FormatError | AccessDenied:
    if is_encrypted(entry):
        return AccessDenied(
            f"{uri}: the password does not open the entry '{entry.filename}' of the zip archive, or it is damaged.",
            hint="correct the password of the connection in 'convert: {unpack: {connection: ...}}'",
        )
    return FormatError(
        f"{uri}: its entry '{entry.filename}' is damaged ({why}).", offset_bytes=entry.header_offset, hint=_AGAIN
    )
