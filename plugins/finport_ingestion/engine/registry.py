"""Plug-ins found by name: one line each, imported when they are used."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from finport_ingestion.engine.errors import UnknownPlugin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a plug-in lives (`package.module:attribute`) and how to get what it needs."""

    path: str
    install: str | None = None

    def load(self) -> Any:
        module, _, attribute = self.path.partition(":")
        return getattr(importlib.import_module(module), attribute)


class Registry(Generic[T]):
    """A closed mapping from a name in YAML to a plug-in that is imported on first use."""

    def __init__(self, kind: str, entries: Mapping[str, Entry]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._entries))

    def get(self, name: str) -> T:
        """The plug-in called `name`.

        Raises:
            UnknownPlugin: No such name (the known ones are listed), or its library is missing.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownPlugin(f"unknown {self.kind} '{name}'.", hint=self._suggestion(name))
        try:
            plugin: T = entry.load()
        except ModuleNotFoundError as error:
            if entry.install is None:
                raise
            raise UnknownPlugin(f"{self.kind} '{name}' needs {error.name}.", hint=entry.install) from error
        return plugin

    def _suggestion(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._entries, n=1)
        known = ", ".join(self.names())
        return f"did you mean '{near[0]}'? Known: {known}" if near else f"known: {known}"
