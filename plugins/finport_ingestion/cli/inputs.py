"""Which files the arguments of a command mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from finport_ingestion.engine.errors import ConfigError

STANDARD_INPUT = "-"


def files_of(inputs: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Every file that is meant, with its size; those of a folder in the order of their names, hidden ones left out.

    Raises:
        ConfigError: There is no such file or folder.
    """
    for text in inputs:
        path = Path(text)
        if text == STANDARD_INPUT:
            yield text, 0
        elif path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield text, path.stat().st_size
        else:
            raise ConfigError(f"there is no file or folder {text}.", hint="name what is to be converted")


def _below(folder: Path) -> Iterator[tuple[str, int]]:
    for found in sorted(folder.rglob("*")):
        if found.is_file() and not any(part.startswith(".") for part in found.relative_to(folder).parts):
            yield str(found), found.stat().st_size
