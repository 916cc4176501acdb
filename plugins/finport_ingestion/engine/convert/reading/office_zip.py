"""The zip package of a workbook (XLSX, XLSM, XLSB, ODS): its parts, each unpacked within limits and proved whole."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits

_FREE_BYTES = 64 << 20  # unpacked, before the ratio counts
_BYTES_A_CELL = 128  # of memory, at most, while a sheet is held
_BROKEN: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    OSError,
    NotImplementedError,
)
_AGAIN = "ask for the file again"


@dataclass(frozen=True, slots=True)
class Package:
    """An open package."""

    archive: zipfile.ZipFile
    stream: BinaryIO
    raw: RawFile

    @property
    def names(self) -> list[str]:
        return self.archive.namelist()

    def has(self, name: str) -> bool:
        return name in self.archive.NameToInfo

    def read(self, name: str) -> bytes:
        """A part, whole.

        Raises:
            FormatError: There is none of that name, or it is damaged.
        """
        info = self._info(name)
        with self._refused(name):
            if info.compress_type != zipfile.ZIP_DEFLATED:
                return self.archive.read(info)
            content = self._inflated(info, info.file_size + 1)
            if len(content) != info.file_size or isal_zlib.crc32(content) != info.CRC:
                raise zipfile.BadZipFile(name)
            return content

    def read_start(self, name: str, size: int) -> bytes:
        """The first `size` bytes of a part.

        Raises:
            FormatError: There is none of that name, or it is damaged.
        """
        info = self._info(name)
        with self._refused(name):
            if info.compress_type == zipfile.ZIP_DEFLATED:
                return self._inflated(info, size)
            with self.archive.open(info) as stream:
                return stream.read(size)

    def size_of(self, name: str) -> int:
        """The unpacked size of a part, as the directory states it."""
        return self._info(name).file_size

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self.archive.NameToInfo.get(name)
        if info is None:
            raise damaged(self.raw, f"its part '{name}' is missing")
        return info

    @contextlib.contextmanager
    def _refused(self, name: str) -> Iterator[None]:
        try:
            yield
        except (*_BROKEN, isal_zlib.error) as error:  # type: ignore[misc]  # its stubs call the class an instance
            raise damaged(self.raw, f"its part '{name}' is damaged") from error

    def _inflated(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """The first `most` bytes; several times as fast as zipfile."""
        with self.archive.open(info):
            pass  # the local header is there, and says the same as the directory
        self.stream.seek(info.header_offset + 26)
        lengths = self.stream.read(4)
        self.stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
        # A byte unpacks to 1032 at most, and rarely to less than one.
        packed = self.stream.read(min(info.compress_size, most + (1 << 16)))
        return bytes(isal_zlib.decompressobj(-15).decompress(packed, most))


@contextlib.contextmanager
def open_package(path: Path, raw: RawFile) -> Iterator[Package]:
    """The package at `path`, which is the local copy of `raw`.

    Raises:
        FormatError: It is no zip, is cut, is encrypted, or unpacks to more than the limits allow.
    """
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(path.open("rb"))
        try:
            archive = stack.enter_context(zipfile.ZipFile(stream))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
            raise damaged(raw, "no whole zip package, as every workbook of this kind is") from error
        _check(archive, raw)
        yield Package(archive, stream, raw)


def with_part(package: Package, changed: str, content: bytes) -> bytes:
    """The package with another content of one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in package.names:
            archive.writestr(name, content if name == changed else package.read(name))
    return out.getvalue()


def most_cells(limits: ReadLimits) -> int:
    """How many cells a sheet may have, so that it fits into the memory of the process that reads it."""
    return limits.child_memory_bytes // _BYTES_A_CELL


def damaged(raw: RawFile, what: str) -> FormatError:
    return FormatError(f"{raw.uri}: {what}.", hint=f"the file may be cut, damaged or of another format: {_AGAIN}")


def _check(archive: zipfile.ZipFile, raw: RawFile) -> None:
    infos = archive.infolist()
    limits: ReadLimits = raw.limits
    if len(infos) > limits.archive_members:
        raise damaged(raw, f"a package of {len(infos)} parts")
    if any(info.flag_bits & 1 for info in infos):
        raise encrypted(raw)
    if len(archive.NameToInfo) != len(infos):
        raise damaged(raw, "its package holds two parts of one name")
    unpacked = sum(info.file_size for info in infos)
    most = min(limits.whole_file_bytes, limits.child_memory_bytes // 2)
    ratio = limits.unpack_ratio * max(raw.size_bytes, 1)
    if unpacked > most or unpacked > _FREE_BYTES + ratio:
        limit = "wholeFileBytes" if unpacked > most else "unpackRatio"
        raise FormatError(
            f"{raw.uri}: its parts unpack from {raw.size_bytes} to {unpacked} bytes, more than is allowed.",
            hint=f"if the file is right, raise '{limit}' of the policy's 'reading', or ask for smaller files",
        )


def encrypted(raw: RawFile) -> FormatError:
    return FormatError(
        f"{raw.uri}: the workbook is encrypted with a password.",
        hint="ask the source for the workbook without a password, or remove it in the spreadsheet program",
    )
