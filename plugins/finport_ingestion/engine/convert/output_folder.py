"""Where the tables of a file are written: into a hidden scratch folder first, then under their name at once."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import uuid
from pathlib import Path, PurePath

from finport_ingestion.engine.errors import ConfigError

_SCRATCH = ".finport-"
_OLD_SECONDS = 86_400
_WRITTEN = re.compile(r"part-\d{5,}\.[a-z]+")


def target_of(folder: Path, place: PurePath) -> Path:
    """The folder of one file's tables. A hidden name begins with `_`: readers of data sets skip hidden folders."""
    return folder.joinpath(*(f"_{part}" if part.startswith(".") else part for part in place.parts))


def new_scratch(folder: Path) -> Path:
    """A place in `folder` that nobody else uses; it is not made."""
    return folder / f"{_SCRATCH}{uuid.uuid4().hex}"


def refuse_foreign_target(target: Path) -> None:
    """Whatever stands at `target` gives way to a new conversion only if an earlier one made it.

    Raises:
        ConfigError: It is a file, or a folder with files that no conversion has written.
    """
    if not target.is_dir():
        if target.exists():
            raise ConfigError(f"{target} is a file: its tables cannot lie there.", hint="name another folder as --out")
        return
    files = (path for path in target.rglob("*") if path.is_file() and not path.name.startswith("."))
    foreign = next((path for path in files if not _WRITTEN.fullmatch(path.name)), None)
    if foreign is not None:
        raise ConfigError(
            f"{target} is there already, and holds {foreign.relative_to(target)}, which no conversion has written.",
            hint="name another folder as --out",
        )


def publish(scratch: Path, target: Path) -> None:
    """Put the finished files under their name; an earlier conversion of the file gives way."""
    scratch.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    old = new_scratch(scratch.parent)
    with contextlib.suppress(FileNotFoundError):
        target.rename(old)
    scratch.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what conversions that were killed have left in `folder`: scratch that nothing was written to for a day."""
    for scratch in folder.glob(f"{_SCRATCH}*"):
        if time.time() - _written_at(scratch) > _OLD_SECONDS:
            shutil.rmtree(scratch, ignore_errors=True)


def _written_at(folder: Path) -> float:
    """When something in `folder` was last written, in seconds since the epoch."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times)
