"""Places in JSON documents that a pagination names: `meta."total-pages"`, `[0].pages`, `result.XXBTZUSD`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r'\.?(?:"([^"]+)"|([A-Za-z_@][\w-]*)|\[(\d+)\])')


def steps_of(path: str | None) -> list[str | int]:
    """The members and positions on the way; none for the document itself."""
    found = [name or plain or int(position) for name, plain, position in _STEP.findall(path or "")]
    return [step for step in found if step != "@"]


def value_at(document: Any, path: str | None) -> Any:
    """What stands there, None for nothing."""
    for step in steps_of(path):
        if isinstance(document, dict) and step not in document:
            return None
        document = document[step]
    return document


def with_value(document: Any, path: str | None, value: Any) -> Any:
    """The document with another value there; what is missing on the way is made."""
    steps = steps_of(path)
    if not steps:
        return value
    *above, last = steps
    place = document
    for step in above:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[last] = value
    return document
