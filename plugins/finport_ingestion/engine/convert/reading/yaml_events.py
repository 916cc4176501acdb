"""YAML text to values, by libyaml's events: no tag is obeyed, nothing is built that the text does not spell.

Aliases are kept as the one value that they name, and what they would be when written out is counted, so that a bomb is
refused before it is large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from finport_ingestion.engine.config.yaml_syntax import explain_refused, explain_syntax
from finport_ingestion.engine.convert.reading.json_texts import object_of
from finport_ingestion.engine.convert.reading.yaml_scalars import scalar
from finport_ingestion.engine.limits import ReadLimits

_CORE = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", f"{_CORE}str"})
_PLAIN_TAGS = frozenset({f"{_CORE}{name}" for name in ("int", "float", "bool", "null")})
_COLLECTION_TAGS = frozenset({"!", f"{_CORE}map", f"{_CORE}seq"})
_MERGE = "<<"
_BREAKS = "\x85\u2028\u2029"
_PRIVATE = range(0xE000, 0xF8FF)


class NotReadable(Exception):
    """Why a document is refused; `line` and `column` begin at 1."""

    def __init__(self, message: str, *, line: int, column: int, rule: str = "not_yaml") -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.rule = rule


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is not read yet."""

    event: Any
    is_mapping: bool
    items: list[Any] = field(default_factory=list)  # keys and values in turn, of a mapping
    merges: list[int] = field(default_factory=list)  # places of merge keys in `items`
    weight: int = 2


def values_of(text: str, *, first_line: int, limits: ReadLimits) -> Iterator[Any]:
    """The value of each document in `text`.

    Raises:
        NotReadable: It is no YAML, has a tag, or is beyond a limit.
    """
    text, breaks = _without_breaks(text)
    builder = _Builder(first_line, limits, breaks)
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            builder.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                yield builder.finish()
    except yaml.MarkedYAMLError as error:
        (line, column), message = explain_syntax(error, text, first_line=first_line)
        raise NotReadable(message, line=line, column=column) from error
    except yaml.reader.ReaderError as error:
        (line, column), message = explain_refused(error, text, first_line=first_line)
        raise NotReadable(message, line=line, column=column) from error
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Builder:
    first_line: int
    limits: ReadLimits
    breaks: dict[int, str]
    root: Any = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)  # value, and its length when written out
    pending: set[str] = field(default_factory=set)
    written_out: int = 0  # characters that aliases stand for

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            if not self._takes_plainly(event):
                self._put(event, self._scalar(event), len(event.value) + 1)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def finish(self) -> Any:
        value, self.root = self.root, None
        self.anchors, self.pending, self.written_out = {}, set(), 0
        return value

    def _takes_plainly(self, event: Any) -> bool:
        """Whether it was a scalar with nothing special about it, and has been taken: nearly all events are."""
        if event.tag is not None or event.anchor or self.breaks or not self.stack:
            return False
        parent, text, plain = self.stack[-1], event.value, event.implicit[0]
        items = parent.items
        if parent.is_mapping and len(items) % 2 == 0:
            if plain and text == _MERGE:
                return False
            items.append(text)
        elif parent.merges:
            return False
        else:
            items.append(scalar(text) if plain else text)
        parent.weight += len(text) + 1
        return True

    def _scalar(self, event: Any) -> Any:
        text = self._restored(event.value)
        if event.tag is None or event.tag in _PLAIN_TAGS:
            return scalar(text) if event.implicit[0] or event.tag else text
        if event.tag in _TEXT_TAGS:
            return text
        raise self._refused(event, f"the tag '{event.tag}' is not obeyed; ask the source for plain YAML", "tag")

    def _restored(self, text: str) -> str:
        return text.translate(self.breaks) if self.breaks else text

    def _open(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            raise self._refused(event, f"the tag '{event.tag}' is not obeyed; ask the source for plain YAML", "tag")
        if len(self.stack) >= self.limits.nesting:
            raise self._refused(event, f"nested more than {self.limits.nesting} deep", "nesting")
        if event.anchor:
            self.pending.add(event.anchor)
        self.stack.append(_Open(event, isinstance(event, yaml.MappingStartEvent)))

    def _close(self) -> None:
        done = self.stack.pop()
        value = _mapping(done) if done.is_mapping else done.items
        self.pending.discard(done.event.anchor)
        self._put(done.event, value, done.weight)

    def _alias(self, event: Any) -> None:
        if event.anchor in self.pending:
            raise self._refused(event, f"the alias '*{event.anchor}' stands inside what it names", "alias")
        if event.anchor not in self.anchors:
            raise self._refused(event, f"the alias '*{event.anchor}' names nothing above it", "alias")
        value, weight = self.anchors[event.anchor]
        self.written_out += weight
        if self.written_out > self.limits.field_bytes:
            raise self._refused(
                event, f"aliases stand for more than {self.limits.field_bytes} characters when written out", "alias"
            )
        self._put(event, value, weight)

    def _put(self, event: Any, value: Any, weight: int) -> None:
        anchor = event.anchor
        if anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[anchor] = (value, weight)
        if not self.stack:
            self.root = value
            return
        parent = self.stack[-1]
        parent.weight += weight
        if parent.is_mapping and len(parent.items) % 2 == 0:
            value = self._key(event, value, parent)
        elif parent.is_mapping and parent.merges and parent.merges[-1] == len(parent.items) - 1:
            self._check_merge(event, value)
        parent.items.append(value)

    def _key(self, event: Any, value: Any, parent: _Open) -> str:
        """A key is the text that spells it: `1`, `true` and `NO` are what they look like."""
        if isinstance(value, (dict, list)):
            raise self._refused(event, "a key that is a list or a mapping", "key")
        if isinstance(event, yaml.ScalarEvent):
            if event.value == _MERGE and event.implicit[0]:
                parent.merges.append(len(parent.items))
            return self._restored(event.value)
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    def _check_merge(self, event: Any, value: Any) -> None:
        merged = value if isinstance(value, list) else [value]
        if not merged or not all(isinstance(found, dict) for found in merged):
            raise self._refused(event, "a merge key ('<<') whose value is no mapping", "merge")

    def _refused(self, event: Any, message: str, rule: str) -> NotReadable:
        mark = event.start_mark
        return NotReadable(message, line=mark.line + self.first_line, column=mark.column + 1, rule=rule)


def _without_breaks(text: str) -> tuple[str, dict[int, str]]:
    """`text` with stand-ins for what YAML 1.1, and libyaml, take for line breaks; and what each stands for."""
    found = [mark for mark in _BREAKS if mark in text]
    free = (chr(code) for code in _PRIVATE if chr(code) not in text)
    stand_ins = dict(zip(found, free, strict=False))
    if len(stand_ins) < len(found):
        return text, {}
    for mark, stand_in in stand_ins.items():
        text = text.replace(mark, stand_in)
    return text, {ord(stand_in): mark for mark, stand_in in stand_ins.items()}


def _mapping(done: _Open) -> dict[str, Any]:
    """The members in order; what is merged gives way to what is stated, and stands first."""
    pairs = list(zip(done.items[0::2], done.items[1::2], strict=True))
    if not done.merges:
        return object_of(pairs)
    stated = [pair for at, pair in enumerate(pairs) if 2 * at not in done.merges]
    merged: dict[str, Any] = {}
    for at in done.merges:
        value = done.items[at + 1]
        for found in value if isinstance(value, list) else [value]:
            merged = {**merged, **{key: kept for key, kept in found.items() if key not in merged}}
    names = {key for key, _ in stated}
    return object_of([*((key, value) for key, value in merged.items() if key not in names), *stated])
