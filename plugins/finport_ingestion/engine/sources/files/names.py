"""Names of files as servers spell them."""

from __future__ import annotations

from pathlib import PurePosixPath

_COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4", ".pgp", ".gpg")


def suffix_of(path: str) -> str:
    """`.csv`, or `.csv.gz`."""
    name = PurePosixPath(path)
    inner = PurePosixPath(name.stem).suffix if name.suffix.lower() in _COMPRESSED else ""
    return f"{inner}{name.suffix}".lower()
