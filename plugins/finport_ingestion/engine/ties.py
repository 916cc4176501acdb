"""The rows that a watermark remembers: those at it, beyond it in quarantine, shortly before it, and without a value.

Each is one text of `Watermark.ties`: the row's digest behind a sign that says where it stands. Rows that are alike
stand there as often as there are: what is delivered again is counted off, not merely recognised.

```text
<digest>            at the mark
+<digest>           beyond it, in quarantine
-<value> <digest>   before it, within the lookback; `value` is canonical
?<digest>           without a value in the cursor's field
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

BEYOND, BELOW, WITHOUT = "+", "-", "?"


def digest_of(tie: str) -> str:
    """The digest of a remembered row, wherever it stands."""
    return tie.rpartition(" ")[2].lstrip("+-?")


def digests_of(ties: Iterable[str]) -> Counter[str]:
    """How often each row is remembered."""
    return Counter(digest_of(tie) for tie in ties)


def value_of(tie: str, mark: str) -> str | None:
    """The canonical cursor value of a remembered row of a watermark at `mark`; None where it is not known."""
    if tie[0] in (BEYOND, WITHOUT):
        return None
    return tie[1:].partition(" ")[0] if tie[0] == BELOW else mark


def spelled(digest: str, value: str, mark: str) -> str:
    """The tie of a row with the canonical `value`, for a watermark at `mark`."""
    return digest if value == mark else f"{BELOW}{value} {digest}"


def moved(ties: Iterable[str], old: str, new: str, *, is_near: Callable[[str], Any]) -> Counter[str]:
    """What a watermark that moves from `old` to `new` goes on to remember: rows without a value, and those still near.

    Args:
        is_near: Whether a canonical value lies within the lookback of `new`.
    """
    kept: Counter[str] = Counter()
    for tie in ties:
        value = value_of(tie, old)
        if tie[0] == WITHOUT:
            kept[tie] += 1
        elif value is not None and is_near(value):
            kept[spelled(digest_of(tie), value, new)] += 1
    return kept


def listed(ties: Counter[str]) -> tuple[str, ...]:
    """In the one order that makes equal watermarks equal."""
    return tuple(sorted(ties.elements()))
