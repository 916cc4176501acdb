"""The order in which contestants run."""

from __future__ import annotations


def in_turn(names: list[str], number: int) -> list[str]:
    """Each round begins with another contestant, so that no one always follows the same one."""
    first = number % len(names)
    return names[first:] + names[:first]
