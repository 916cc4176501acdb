"""Paths to the records of a document whose objects are keyed by data: `facts.{taxonomy}.{concept}.units.{unit}[]`.

A step is a member (`facts`, or `"name with . in it"`), each member of an object with its key as a column (`{unit}`), or
each item of a list (`[]`). Everything else that JMESPath can say is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from finport_ingestion.engine.convert.reading.json_texts import Ambiguous
from finport_ingestion.engine.errors import ConfigError, FormatError

_WILDCARD = re.compile(r"\{\s*[A-Za-z_][A-Za-z0-9_ -]*\s*\}")
_TOKEN = re.compile(r'\.?(?:\{\s*([A-Za-z_][A-Za-z0-9_ -]*?)\s*\}|"((?:[^"\\]|\\.)*)"|([^.\[\]{}"]+))|(\[\])')
_HINT = "write it like facts.{taxonomy}.{concept}.units.{unit}[]"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Each:
    """Every member of an object; its key becomes the column `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """Every item of a list."""


Step: TypeAlias = Member | Each | Items
Steps: TypeAlias = tuple[Step, ...]


def has_wildcard(path: str) -> bool:
    """Whether `path` is one of ours; JMESPath has no `{name}` without a colon."""
    return _WILDCARD.search(path) is not None


def parse_path(path: str) -> Steps:
    """The steps that `path` spells.

    Raises:
        ConfigError: It spells none, or two wildcards have one name.
    """
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _TOKEN.match(path, at)
        if match is None:
            raise ConfigError(f"records: '{path}' cannot be read from character {at + 1} on.", hint=_HINT)
        wildcard, quoted, name, _ = match.groups()
        at = match.end()
        if wildcard is not None:
            steps.append(Each(wildcard))
        elif quoted is not None or name is not None:
            steps.append(Member(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else name.strip()))
        else:
            steps.append(Items())
    names = [step.name for step in steps if isinstance(step, Each)]
    if len(set(names)) < len(names):
        raise ConfigError(f"records: '{path}' names a wildcard twice.", hint=_HINT)
    return tuple(steps)


def spelled_path(steps: Steps) -> str:
    """`steps` as text that `parse_path` reads back."""
    text = ""
    for step in steps:
        if isinstance(step, Items):
            text += "[]"
        elif isinstance(step, Each):
            text += f".{{{step.name}}}"
        else:
            plain = re.fullmatch(r'[^.\[\]{}"\s]+', step.name) is not None
            text += "." + (step.name if plain else '"' + re.sub(r'(["\\])', r"\\\1", step.name) + '"')
    return text.removeprefix(".")


@dataclass(slots=True)
class Walk:
    """One walk along a path: what it gives, and what lies beside it."""

    steps: Steps
    uri: str
    carry: Sequence[str] = ()
    beside: dict[str, None] = field(default_factory=dict)  # names of members left out, in order of appearance
    carried: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)  # places that have no such step

    def records(self, document: Any) -> Iterator[tuple[str, Any]]:
        """Each record with its place. A record that is an object has the wildcards' keys as members before its own.

        Raises:
            FormatError: A key stands twice in an object on the way, which of the two is meant nobody knows.
            ConfigError: A wildcard or a carried member is called as a member of the records is.
        """
        yield from self._walk(document, 0, {}, {}, "")

    def _walk(
        self, node: Any, at: int, keys: dict[str, Any], carried: dict[str, Any], place: str
    ) -> Iterator[tuple[str, Any]]:
        if at == len(self.steps):
            yield from self._at_the_end(node, keys, carried, place)
            return
        step = self.steps[at]
        if isinstance(step, Items):
            yield from self._items(node, at, keys, carried, place)
            return
        if not isinstance(node, dict):
            self.missing.append(place or "the document")
            return
        if isinstance(node, Ambiguous):
            raise FormatError(
                f"{self.uri}: a key stands twice in the object at '{place or 'the document'}', on the way to the "
                "records.",
                hint="ask the source for the file again: which of the two is meant, nobody knows",
            )
        if isinstance(step, Each):
            for key, found in node.items():
                yield from self._walk(found, at + 1, {**keys, step.name: key}, carried, _under(place, key))
            return
        carried = self._look_beside(node, step.name, carried)
        if step.name not in node:
            self.missing.append(_under(place, step.name))
            return
        yield from self._walk(node[step.name], at + 1, keys, carried, _under(place, step.name))

    def _at_the_end(
        self, node: Any, keys: dict[str, Any], carried: dict[str, Any], place: str
    ) -> Iterator[tuple[str, Any]]:
        if isinstance(node, list) and not isinstance(self.steps[-1], Items):
            for number, item in enumerate(node, start=1):
                yield f"{place}[{number}]", self._record(item, keys, carried)
        else:
            yield place, self._record(node, keys, carried)

    def _items(
        self, node: Any, at: int, keys: dict[str, Any], carried: dict[str, Any], place: str
    ) -> Iterator[tuple[str, Any]]:
        if not isinstance(node, list):
            self.missing.append(f"{place}[]")
            return
        for number, item in enumerate(node, start=1):
            yield from self._walk(item, at + 1, keys, carried, f"{place}[{number}]")

    def _look_beside(self, node: dict[str, Any], step: str, carried: dict[str, Any]) -> dict[str, Any]:
        found = {name: node[name] for name in self.carry if name in node and name != step}
        self.carried.update(found)
        self.beside.update((name, None) for name in node if name != step and name not in found)
        return {**carried, **found} if found else carried

    def _record(self, node: Any, keys: dict[str, Any], carried: dict[str, Any]) -> Any:
        if not isinstance(node, dict) or not (keys or carried):
            return node
        taken = next((name for name in (*keys, *carried) if name in node), None)
        if taken is not None:
            raise ConfigError(
                f"{self.uri}: '{taken}' is a member of the records and is named by 'records' or 'carry' too.",
                hint="give the wildcard another name, or do not carry the member",
            )
        merged = {**keys, **node, **carried}
        return Ambiguous([*keys.items(), *node.pairs, *carried.items()]) if isinstance(node, Ambiguous) else merged


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
