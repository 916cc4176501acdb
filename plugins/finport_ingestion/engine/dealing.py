"""Work dealt into batches of about the same size, the same way every time."""

from __future__ import annotations

from collections.abc import Sequence


def deal(sizes: Sequence[int], *, batches: int, least: int = 1) -> list[list[int]]:
    """Numbers of pieces dealt into at most `batches` groups, largest first, each to the lightest group.

    Within a group the pieces keep their order.

    Args:
        least: A group is worth so much; small pieces share one.
    """
    wanted = max(1, min(batches, len(sizes), -(-sum(sizes) // least)))
    groups: list[list[int]] = [[] for _ in range(wanted)]
    loads = [0] * wanted
    for index in sorted(range(len(sizes)), key=lambda at: (-sizes[at], at)):
        lightest = loads.index(min(loads))
        groups[lightest].append(index)
        loads[lightest] += sizes[index]
    return [sorted(group) for group in groups]
