"""Files that are whole or absent: atomic writes, create-if-absent, checksums, on any fsspec place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from fsspec.spec import AbstractBufferedFile
from upath import UPath

from finport_ingestion.engine.errors import StorageUnavailable

_CHUNK_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Places:
    """The areas of one deployment: landing, staging, quarantine, reports and store below one root."""

    root: UPath

    def at(self, uri: str) -> UPath:
        """The path of a uri that a manifest holds."""
        return self.root / uri

    def relative(self, path: UPath) -> str:
        return path.path.removeprefix(self.root.path).lstrip("/")


def local_path(path: UPath) -> Path | None:
    """`path` as a file of this machine, or None where it lies in an object store."""
    return Path(path.path) if path.protocol in ("", "file", "local") else None


@contextlib.contextmanager
def write_atomically(path: UPath) -> Iterator[BinaryIO]:
    """Open `path` for writing: it appears whole when the block ends well; otherwise what was there stays, or nothing.

    Raises:
        StorageUnavailable: The disk is full or the place cannot be written.
    """
    local = local_path(path)
    with disk_errors(path):
        if local is None:
            with _upload(path) as upload:
                yield upload
            return
        local.parent.mkdir(parents=True, exist_ok=True)
        temporary = local.with_name(f".{local.name}.{uuid.uuid4().hex}.partial")
        try:
            with temporary.open("wb") as file:
                yield file
                _sync(file)
            temporary.replace(local)
            sync_folder(local.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _upload(path: UPath) -> Iterator[BinaryIO]:
    """Object stores show an upload when it is complete, under its final name; one that is given up is taken back."""
    upload = path.open("wb")
    try:
        yield upload
        upload.close()
    except BaseException as error:
        try:
            _give_up(upload, path)
        except Exception as failure:
            # What failed first decides what happens next.
            error.add_note(f"The upload of {path} could not be taken back: {failure}")
        raise


def _give_up(upload: BinaryIO, path: UPath) -> None:
    if isinstance(upload, AbstractBufferedFile):
        # Closing sends the rest and completes the upload, be it of a part, unless the rest is said to be sent.
        upload.forced = True
        upload.discard()
        upload.close()
    else:
        # Not of an object store: what was there went when this was opened, and what came so far is to be seen.
        upload.close()
        path.unlink(missing_ok=True)


def write_bytes(path: UPath, content: bytes) -> None:
    """Write `content` so that a reader sees all of it or none."""
    with write_atomically(path) as file:
        file.write(content)


def create(path: UPath, content: bytes) -> bool:
    """Write `content` only where nothing is: True when this call made the file, False when one was there.

    Local files are linked into place; object stores use a conditional put.
    """
    local = local_path(path)
    with disk_errors(path):
        if local is None:
            try:
                path.fs.pipe_file(path.path, content, mode="create")
            except FileExistsError:
                return False
            return True
        local.parent.mkdir(parents=True, exist_ok=True)
        temporary = local.with_name(f".{local.name}.{uuid.uuid4().hex}.partial")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                _sync(file)
            os.link(temporary, local)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(local.parent)
        return True


def sha256_of(path: UPath) -> str:
    """Lower-case hex SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hash_stream(file)


def hash_stream(stream: IO[bytes]) -> str:
    """Lower-case hex SHA-256 of what is left in `stream`."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def remove_tree(path: UPath) -> int:
    """Delete everything below `path`; the number of files deleted. Absent is fine."""
    if not path.exists():
        return 0
    files = [found for found in path.rglob("*") if found.is_file()]
    path.fs.rm(path.path, recursive=True)
    return len(files)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    # Without this a rename can be lost with the power, while what was written after it is kept.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors(path: UPath | Path) -> Iterator[None]:
    """Tell a full disk, and one that may not be written, in our errors; others pass."""
    try:
        yield
    except PermissionError as error:
        raise StorageUnavailable(
            f"{path} cannot be written: {error.strerror}.", hint="give the worker's user write access"
        ) from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageUnavailable(
                f"{path} cannot be written: the disk is full.", hint="free space, or run 'finport clean'"
            ) from error
        raise
