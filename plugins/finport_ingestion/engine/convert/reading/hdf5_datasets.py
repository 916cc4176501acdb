"""Which datasets an HDF5 file has, and which of them are safe to read: all their bytes in this file, of bounded size.

Nothing outside the file is opened: links out of it, external storage and virtual datasets are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py  # type: ignore[import-untyped]

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import ConfigError, FormatError

_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
_KNOWN_FILTERS = {32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP", 32015: "Zstandard", 307: "bzip2"}
_MOST_CHUNK_BYTES = 256 << 20
_FREE_BYTES = 64 << 20
_INDEX = "_i_"  # of PyTables: it repeats what the table holds
_PICK = "name the datasets to read in 'datasets', or ask for a file that holds its data itself, as tables and arrays"


@dataclass(slots=True, kw_only=True)
class Found:
    """The datasets of a file by path, in the order of their names, and what is not read."""

    datasets: dict[str, h5py.Dataset] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def datasets_of(file: h5py.File, raw: RawFile, *, wanted: Sequence[str]) -> Found:
    """The datasets that are to be read; the paths of `wanted`, or all.

    Raises:
        FormatError: One of them is refused: pickles, data outside the file, unknown filters, sizes beyond the limits.
        ConfigError: The file has none of a wanted path.
    """
    paths = {path.strip("/") for path in wanted}
    found = Found()
    seen: set[int] = set()
    for path, item in _walk(file, "", seen, raw, depth=0):
        if paths and path not in paths:
            continue
        if isinstance(item, str):
            raise FormatError(f"{raw.uri}: '{path}' {item}: it is refused.", hint=_PICK)
        if item.shape is None:
            found.notes.append(f"dataset '{path}' is declared as empty")
            continue
        _check(item, path, raw)
        found.datasets[path] = item
    missing = sorted(paths - set(found.datasets))
    if missing:
        there = ", ".join(sorted(found.datasets)) or "none of them"
        raise ConfigError(f"{raw.uri}: no dataset '{missing[0]}'; there is {there}.", hint="look at its path")
    return found


def _walk(
    group: h5py.Group, prefix: str, seen: set[int], raw: RawFile, *, depth: int
) -> Iterator[tuple[str, h5py.Dataset | str]]:
    """Paths with datasets, or with why there is none. An object of several names has the first one."""
    if depth > raw.limits.nesting or len(seen) > raw.limits.archive_members:
        raise FormatError(
            f"{raw.uri}: groups deeper than {raw.limits.nesting}, or more than {raw.limits.archive_members} objects.",
            hint="raise 'nesting' or 'archiveMembers' of the policy's 'reading', if the file is honest",
        )
    for name in group:
        if name.startswith(_INDEX):
            continue
        path = f"{prefix}/{name}".lstrip("/")
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):  # another name inside the file, nothing, or:
            yield from [(path, "is a link to another file")] if isinstance(link, h5py.ExternalLink) else []
            continue
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _walk(item, path, seen, raw, depth=depth + 1)
        elif isinstance(item, h5py.Dataset):
            yield path, item


def _check(dataset: h5py.Dataset, path: str, raw: RawFile) -> None:
    why = _outside(dataset) or _pickled(dataset) or _filtered(dataset) or _unfolds(dataset, raw)
    if why:
        raise FormatError(f"{raw.uri}: dataset '{path}' {why}: it is refused.", hint=_PICK)


def _outside(dataset: h5py.Dataset) -> str:
    if dataset.is_virtual:
        return "is made of other files (a virtual dataset)"
    return "lies in another file (external storage)" if dataset.external else ""


def _pickled(dataset: h5py.Dataset) -> str:
    """PyTables, and pandas by way of it, keep objects as bytes that Python would run."""
    marks = (_attribute(dataset, name) for name in ("PSEUDOATOM", "FLAVOR"))
    return "holds pickled Python objects, which may run code when they are read" if "object" in marks else ""


def _attribute(dataset: h5py.Dataset, name: str) -> str:
    if name not in dataset.attrs:
        return ""
    kind = dataset.attrs.get_id(name).get_type()
    if not isinstance(kind, h5py.h5t.TypeStringID):
        return ""
    value = dataset.attrs[name]
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _filtered(dataset: h5py.Dataset) -> str:
    """Filters that are not built in would be loaded from libraries."""
    made = dataset.id.get_create_plist()
    numbers = [made.get_filter(at)[0] for at in range(made.get_nfilters())]
    other = next((number for number in numbers if number not in _FILTERS), None)
    if other is None:
        return ""
    return f"is compressed with {_KNOWN_FILTERS.get(other, 'a filter')} (filter {other}), which is not built in"


def _unfolds(dataset: h5py.Dataset, raw: RawFile) -> str:
    size = dataset.dtype.itemsize * math.prod(dataset.shape)
    row = size // max(dataset.shape[0], 1) if dataset.shape else size
    chunk = dataset.dtype.itemsize * math.prod(dataset.chunks or (1,))
    if row > raw.limits.record_bytes:
        return f"has rows of {row} bytes; the limit 'recordBytes' is {raw.limits.record_bytes}"
    if chunk > _MOST_CHUNK_BYTES:
        return f"has chunks of {chunk} bytes; the limit is {_MOST_CHUNK_BYTES}"
    most = min(raw.limits.unpacked_bytes, max(_FREE_BYTES, raw.limits.unpack_ratio * raw.size_bytes))
    if size > most:
        return f"unfolds to {size} bytes, out of a file of {raw.size_bytes}"
    return ""


def stated_encoding(dataset: h5py.Dataset) -> str | None:
    """The encoding of its texts that pandas writes beside a table."""
    for item in (dataset, dataset.parent):
        found: Any = item.attrs.get("encoding") if "encoding" in item.attrs and _is_text(item) else None
        if found is not None:
            return found.decode("latin-1") if isinstance(found, bytes) else str(found)
    return None


def _is_text(item: h5py.Dataset | h5py.Group) -> bool:
    return isinstance(item.attrs.get_id("encoding").get_type(), h5py.h5t.TypeStringID)
