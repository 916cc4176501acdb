"""Shell patterns over paths: `*.csv`, `2024-*/prices_?.csv`, `**/*.json`."""

from __future__ import annotations

from fnmatch import fnmatchcase


class PathPattern:
    """Matches paths with `/`, case by case; `*` stays within one name, `**` spans any number of folders."""

    def __init__(self, pattern: str) -> None:
        self._parts = tuple(part for part in pattern.split("/") if part not in ("", "."))

    def matches(self, path: str) -> bool:
        """Whether the whole path is one of them."""
        return _matches(tuple(path.split("/")), self._parts)

    def descends(self, folder: str) -> bool:
        """Whether a path below `folder` could match."""
        return _leads_on(tuple(folder.split("/")), self._parts)


def _matches(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not parts or not names:
        return not names and all(part == "**" for part in parts)
    if parts[0] == "**":
        return _matches(names, parts[1:]) or _matches(names[1:], parts)
    return fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _leads_on(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not parts:
        return False
    if not names or parts[0] == "**":
        return True
    return fnmatchcase(names[0], parts[0]) and _leads_on(names[1:], parts[1:])
