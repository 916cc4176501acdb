"""Files that are made once: they stay in the user's cache folder, whatever benchmark asks for them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

VERSION = 1
"""Raise it with every change of what is written: other files are then made beside the old ones."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "finport" / "benchmarks"


def kept(name: str, write: Callable[[Path], None]) -> Path:
    """The file or folder `name`, which `write` makes where it is not there yet."""
    path = CACHE / f"convert-{VERSION}" / name
    if path.exists():
        return path
    print(f"making {path} ...", file=sys.stderr, flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(unfinished)
        unfinished.rename(path)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        else:
            unfinished.unlink(missing_ok=True)
    return path


def free_bytes() -> int:
    """What is left on the disk of the cache folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(CACHE).free


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
