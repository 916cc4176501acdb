"""Which files the arguments of a command mean, and where each one's tables go below the output folder."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.limits import ReadLimits

STANDARD_INPUT = "-"
_STDIN = "stdin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One file."""

    path: str  # as it was named, or found below a folder that was named
    size_bytes: int
    place: PurePath  # of its tables, below the output folder; no other input's place, nor within one

    @contextlib.contextmanager
    def opened(self, limits: ReadLimits | None = None) -> Iterator[RawFile]:
        """The file for a reader; standard input as a temporary copy."""
        if self.path != STANDARD_INPUT:
            yield _raw(Path(self.path), uri=self.path, limits=limits)
            return
        with tempfile.TemporaryDirectory(prefix="finport-") as folder:
            copy = Path(folder) / _STDIN
            with copy.open("wb") as target:
                shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)
            yield _raw(copy, uri=_STDIN, limits=limits)


def _raw(path: Path, *, uri: str, limits: ReadLimits | None) -> RawFile:
    size = path.stat().st_size
    return RawFile(path=UPath(path), uri=uri, size_bytes=size, name=path.name, limits=limits or ReadLimits())


def inputs_of(arguments: Sequence[str], *, out: Path | None = None) -> list[Input]:
    """Every file that is meant, once; those of a folder in the order of their names, hidden ones left out.

    The place of a file is its path below the folder that was named, or its name. Where two would have the same place,
    it is their path below the folder that all files have in common.

    Args:
        out: The output folder: what lies in it is no input when a folder around it is named.

    Raises:
        ConfigError: There is no such file or folder.
    """
    found: dict[str, Input] = {}
    for argument in arguments:
        for each in _meant(argument, out):
            found.setdefault(os.path.realpath(each.path) if each.path != STANDARD_INPUT else _STDIN, each)
    inputs = list(found.values())
    if _clash(inputs):
        inputs = _apart(inputs)
    if _clash(inputs):
        raise ConfigError("standard input and a file called 'stdin' have the same place.", hint="rename the file")
    return inputs


def _meant(argument: str, out: Path | None) -> Iterator[Input]:
    path = Path(argument)
    if argument == STANDARD_INPUT:
        yield Input(path=argument, size_bytes=0, place=PurePath(_STDIN))
    elif path.is_dir():
        yield from _below(path, out)
    elif path.is_file():
        yield Input(path=argument, size_bytes=path.stat().st_size, place=PurePath(path.name))
    else:
        raise ConfigError(f"there is no file or folder {argument}.", hint="name what is to be converted")


def _below(folder: Path, out: Path | None) -> Iterator[Input]:
    made = out.resolve() if out is not None and folder.resolve() in out.resolve().parents else None
    for found in sorted(folder.rglob("*")):
        place = found.relative_to(folder)
        if any(part.startswith(".") for part in place.parts) or not found.is_file():
            continue
        if made is None or made not in found.resolve().parents:
            yield Input(path=str(found), size_bytes=found.stat().st_size, place=place)


def _clash(inputs: Sequence[Input]) -> bool:
    places = {each.place for each in inputs}
    return len(places) < len(inputs) or any(parent in places for place in places for parent in place.parents)


def _apart(inputs: Sequence[Input]) -> list[Input]:
    # Without '..', so that no place climbs out of the output folder.
    files = {each.path: Path(os.path.abspath(each.path)) for each in inputs if each.path != STANDARD_INPUT}  # noqa: PTH100
    common = os.path.commonpath([path.parent for path in files.values()])
    return [
        dataclasses.replace(each, place=files[each.path].relative_to(common)) if each.path in files else each
        for each in inputs
    ]
