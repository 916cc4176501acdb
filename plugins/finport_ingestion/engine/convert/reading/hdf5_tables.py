"""HDF5 datasets as tables: records of named fields, arrays, matrices; each is named by its path."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.array_columns import Array, NoColumn, column, columns_of, decoded
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.hdf5_datasets import datasets_of, stated_encoding
from finport_ingestion.engine.errors import ConfigError, FormatError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ROWS = 65_536
_VARIABLE_ROWS = 1_024  # of values whose length only shows when they are read
_BATCH_BYTES = 32 << 20
_FAULTS = (OSError, RuntimeError, ValueError, TypeError, KeyError, UnicodeError, OverflowError)
_HINT = "ask for the file again: it may be cut or damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is read of a file, and how."""

    datasets: Sequence[str] = ()  # by path; all of them by default
    encoding: str | None = None  # of texts whose encoding the file does not state
    rows: int | None = None  # the first ones of each table; all by default


def read_hdf5(raw: RawFile, wish: Wish) -> Iterator[Batch]:
    """The rows of the datasets of `raw`.

    Raises:
        FormatError: It is no HDF5 file, damaged, or has a dataset that is refused.
    """
    encoding = _known(wish.encoding)
    _check_signature(raw)
    with raw.local() as path, _refused(raw), h5py.File(path, "r", locking=False) as file:
        found = datasets_of(file, raw, wanted=wish.datasets)
        if not found.datasets:
            raise FormatError(f"{raw.uri}: it has no datasets.", hint="let the source say which file holds the data")
        for number, (name, dataset) in enumerate(found.datasets.items()):
            texts = _Texts(dataset, encoding)
            notes = tuple(found.notes) if number == 0 else ()
            yield from _batches(dataset, name, raw, wish, texts=texts, notes=notes)


def _known(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ConfigError(f"there is no encoding '{encoding}'.", hint="use a name such as utf-8 or cp1252") from error


def _check_signature(raw: RawFile) -> None:
    with raw.open() as stream:
        at = 0
        while at + len(SIGNATURE) <= max(raw.size_bytes, 1):
            stream.seek(at)
            if stream.read(len(SIGNATURE)) == SIGNATURE:
                return
            at = max(512, at * 2)  # a block of the user's may stand in front
        stream.seek(0)
        refuse_signature(stream, raw=raw, expected="an HDF5 file")
    what = "no HDF5 file" if raw.size_bytes else "is empty"
    raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format', or ask for it again")


@contextlib.contextmanager
def _refused(raw: RawFile) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        said = (str(error).splitlines() or [""])[0][:200].rstrip(".")
        raise FormatError(f"{raw.uri}: not readable as HDF5: {said}.", hint=_HINT) from error


class _Texts:
    """How the texts of a dataset are encoded: as its types say, as pandas says, as the Format says."""

    def __init__(self, dataset: h5py.Dataset, declared: str | None) -> None:
        self._fallback = declared or _usable(stated_encoding(dataset))
        self.unknown = False

    def of(self, dtype: np.dtype[Any]) -> str | None:
        """The encoding of a type of texts; None where nothing says it, since ASCII is what is said by default."""
        said = h5py.check_string_dtype(dtype)
        if said is not None and said.encoding == "utf-8":
            return "utf-8"
        self.unknown = self.unknown or self._fallback is None
        return self._fallback


def _usable(encoding: str | None) -> str | None:
    try:
        return codecs.lookup(encoding).name if encoding else None
    except LookupError:
        return None


def _batches(
    dataset: h5py.Dataset, name: str, raw: RawFile, wish: Wish, *, texts: _Texts, notes: Sequence[str]
) -> Iterator[Batch]:
    total = dataset.shape[0] if dataset.shape else 1
    rows = total if wish.rows is None else min(total, wish.rows)
    step = _step(dataset)
    share = dataset.id.get_storage_size() // max(total, 1)
    for start in range(0, max(rows, 1), step):
        count = min(step, rows - start)
        array = np.asarray(dataset[()] if not dataset.shape else dataset[start : start + count])
        columns = _columns(array, dataset.dtype, name, raw, texts=texts)
        names = unique_names(list(columns))
        told = (*notes, *_notes(name, texts)) if start == 0 else ()
        yield Batch(
            columns=pa.RecordBatch.from_arrays(list(columns.values()), names=names),
            rows=pa.array(np.arange(start + 1, start + count + 1)),
            table=name,
            originals={one: other for one, other in zip(names, columns, strict=True) if one != other},
            size_bytes=share * count,
            notes=told,
        )


def _notes(name: str, texts: _Texts) -> tuple[str, ...]:
    if not texts.unknown:
        return ()
    return (f"dataset '{name}' does not state how its texts are encoded: they are bytes; state 'encoding' for text",)


def _step(dataset: h5py.Dataset) -> int:
    """Rows of a batch: whole chunks where they are small."""
    total = max(dataset.shape[0], 1) if dataset.shape else 1
    row = max(1, dataset.nbytes // total)
    step: int = max(1, min(_ROWS, _BATCH_BYTES // row))
    if dataset.dtype.hasobject:
        step = min(step, _VARIABLE_ROWS)
    chunk: int = dataset.chunks[0] if dataset.chunks else 1
    return step // chunk * chunk if chunk <= step else step


def _columns(array: Array, dtype: np.dtype[Any], name: str, raw: RawFile, *, texts: _Texts) -> dict[str, pa.Array]:
    last = name.rpartition("/")[2]
    try:
        if dtype.names is not None and array.ndim <= 1:
            flat = array.reshape(-1)
            return {field: _column(flat[field], dtype[field], texts) for field in dtype.names}
        if not dtype.hasobject:
            return columns_of(array, name=last, text_of=lambda _: texts.of(dtype))
        if array.ndim == 2:
            return {f"{last}_{at}": _column(array[:, at], dtype, texts) for at in range(array.shape[1])}
        return {last: _column(array.reshape(-1) if array.ndim == 0 else array, dtype, texts)}
    except NoColumn as error:
        raise FormatError(
            f"{raw.uri}: dataset '{name}' {error}.", hint="leave it out of 'datasets', or state the right 'encoding'"
        ) from error


def _column(values: Array, dtype: np.dtype[Any], texts: _Texts) -> pa.Array:
    said = h5py.check_string_dtype(dtype)
    if said is not None and said.length is None:
        return _variable_texts(values, texts.of(dtype))
    inner = h5py.check_vlen_dtype(dtype)
    if inner is not None:
        return _lists(values, np.dtype(inner), texts)
    base = dtype.subdtype[0] if dtype.subdtype else dtype
    if base.hasobject:
        raise NoColumn("holds references to other objects: it is refused")
    return column(values, text_of=lambda _: texts.of(base))


def _variable_texts(values: Array, encoding: str | None) -> pa.Array:
    if values.ndim > 1:
        raise NoColumn("has texts of variable length in more than two dimensions: it is refused")
    content = pa.array([value if isinstance(value, bytes) else None for value in values.tolist()], pa.binary())
    return content if encoding is None else decoded(content, encoding)


def _lists(values: Array, inner: np.dtype[Any], texts: _Texts) -> pa.Array:
    if inner.hasobject or inner.names is not None or values.ndim > 1:
        raise NoColumn("has lists of lists or of records: it is refused")
    pieces = [np.asarray(value, inner).reshape(-1) for value in values]
    ends = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    flat = np.concatenate(pieces) if pieces else np.empty(0, inner)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), column(flat, text_of=lambda _: texts.of(inner)))
