"""One mistake in one document, told to the person who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value stands in a document: `("spec", "steps", 2, "timeout")`."""

_SHOWN = 12


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """What is wrong at one place; `path` is relative to the project, `line` and `column` begin at 1."""

    path: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.path}:{self.line}:{self.column}: {key}{self.message}"


def dotted(path: KeyPath) -> str:
    """`spec.steps[2].timeout`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` was probably meant to be; snake_case and wrong capitals count as the same."""
    folded = {_fold(candidate): candidate for candidate in sorted(known)}
    near = difflib.get_close_matches(_fold(name), folded, n=1, cutoff=0.65)
    return folded[near[0]] if near else None


def suggestion(name: str, known: Collection[str]) -> str:
    """How an unknown name is put right: the one that was meant, or all that there are."""
    near = nearest(name, known)
    return f"did you mean '{near}'?" if near else f"known: {listed(known)}"


def listed(names: Collection[str]) -> str:
    """Names for a message, in order; the first ones where there are many."""
    ordered = sorted(set(names))
    if not ordered:
        return "none"
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()
