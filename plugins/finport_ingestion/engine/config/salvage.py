"""What can still be read of a document that is no YAML: enough to know its name, labels and datasets.

Without it a syntax error in a source would make its workflows run without the source, silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from finport_ingestion.engine.config.yaml_reader import Chunk, read

_BLANK = re.compile(r"\s*(?:#.*)?$")
_DEEPEST = 2


def salvage(text: str) -> dict[str, Any]:
    """The top-level keys of a mapping, and those below them, that are YAML when they are read alone."""
    lines = [line for line in text.splitlines() if not line.startswith(("---", "...", "%"))]
    return _read_blocks(lines, depth=1)


def _read_blocks(lines: list[str], *, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for block in _blocks(lines):
        reading = read(Chunk("\n".join(block), 1))
        if reading.complete and isinstance(reading.values, dict):
            found.update(reading.values)
        elif depth < _DEEPEST and block[0].rstrip().endswith(":"):
            below = _read_blocks(block[1:], depth=depth + 1)
            found[block[0].strip().rstrip(":")] = below
    return found


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Each key of the outermost level with the lines that belong to it."""
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if not _BLANK.match(line)]
    outermost = min(indents, default=0)
    block: list[str] = []
    for line in lines:
        if not _BLANK.match(line) and len(line) - len(line.lstrip(" ")) == outermost and block:
            yield block
            block = []
        if block or not _BLANK.match(line):
            block.append(line)
    if block:
        yield block
