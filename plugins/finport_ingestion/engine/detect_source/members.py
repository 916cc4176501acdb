"""Members of a JSON document by name and place, as JMESPath spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DEEPEST = 4
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def members(document: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    """Each member outside lists of records: its path, its name, its value. `[0]` and `[1]` of a short list count."""
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        for name, value in document.items():
            place = f"{path}.{_spelled(name)}" if path else _spelled(name)
            yield place, name, value
            yield from members(value, place, depth + 1)
    elif isinstance(document, list) and depth == 0 and len(document) == 2:
        for index, value in enumerate(document):
            if isinstance(value, dict):
                yield from members(value, f"[{index}]", depth + 1)


def longest_list(document: Any) -> tuple[str, list[Any]] | None:
    """The path and the items of the list that holds most objects or rows; `@` for the document itself."""
    if isinstance(document, list) and all(isinstance(item, dict | list) for item in document):
        inner = [item for item in document if isinstance(item, list)]
        if len(document) == 2 and len(inner) == 1 and isinstance(document[0], dict):
            return "[1]", document[1]
        return "@", document
    lists = [
        (path, value)
        for path, _, value in members(document)
        if isinstance(value, list) and value and all(isinstance(item, dict | list) for item in value)
    ]
    return max(lists, key=lambda found: len(found[1]), default=None)


def _spelled(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '\\"') + '"'
