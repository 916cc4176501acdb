"""The one meaning of YAML: libyaml's composer with a constructor of YAML 1.2's core schema.

What differs from a common loader, and why:

- `no`, `on`, `12:30` and `2024-01-01` are text, as YAML 1.2 says;
- digits with a leading zero (`037833100`, a CUSIP) stay text, and a number that would lose digits is refused;
- duplicate keys, tags, merge keys (`<<`) and keys that are not text are refused, each with its place;
- aliases are allowed, but not as bombs: what they expand to is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from finport_ingestion.engine.config.mistakes import KeyPath
from finport_ingestion.engine.config.scalars import meaning, means_text
from finport_ingestion.engine.config.yaml_syntax import MAX_DEPTH, Place, explain_refused, explain_syntax

MAX_NODES = 100_000

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)(?=\s|\Z)", re.MULTILINE)
_DIRECTIVE = re.compile(r"\A((?:[ \t]*(?:#[^\n]*)?\n)*)%YAML[ \t]+1\.2[ \t]*(?=\n|\Z)")
_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the grammar or the constructor refuses."""

    place: Place
    path: KeyPath
    message: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one document of a file, and the line of the file on which it begins (from 1)."""

    text: str
    line: int


class Positions:
    """Line and column of the keys and values of one document; both begin at 1.

    The text is composed again when somebody asks: most documents are right, and 600 trees of nodes in memory cost more
    than the few that are asked for.
    """

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk

    def key(self, path: KeyPath) -> Place:
        """Where the key stands, or the item of a list; where there is none, its nearest parent."""
        return self._find(path)[0]

    def value(self, path: KeyPath) -> Place:
        """Where the value begins; where it is a list or mapping on later lines, or is not there, the key."""
        key, value = self._find(path)
        return key if value is None else value

    @cached_property
    def _root(self) -> yaml.Node | None:
        return _compose(self._chunk)

    def _find(self, path: KeyPath) -> tuple[Place, Place | None]:
        key = value = self._root
        if key is None or value is None:
            return (self._chunk.line, 1), None
        for part in path:
            child = _child(value, part)
            if child is None:
                return _place(key, self._chunk.line), None
            key, value = child
        begins_below = isinstance(value, yaml.CollectionNode) and value.start_mark.line > key.start_mark.line
        return _place(key, self._chunk.line), None if begins_below else _place(value, self._chunk.line)


@dataclass(frozen=True, slots=True)
class Reading:
    """One document read: plain values, their places, and what was refused; `complete` is False after a syntax error."""

    values: Any
    positions: Positions
    line: int
    problems: tuple[Problem, ...] = ()
    complete: bool = True


def split(text: str) -> Iterator[Chunk]:
    """The documents of a file, each with what stands on the line of its `---`.

    YAML allows `---` and `...` at the beginning of a line only as separators, inside scalars too, so that a file can be
    split before it is parsed: a syntax error then costs one document.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text))]
    line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if part.startswith("..."):
            yield Chunk("   " + part[3:], line)
        elif part:
            yield Chunk(part, line)
        line += part.count("\n")


def read(chunk: Chunk) -> Reading:
    """Read one document; never raises for what is written in it."""
    nowhere = Positions(Chunk("", chunk.line))
    try:
        root = _compose(chunk)
    except yaml.MarkedYAMLError as error:
        place, message = explain_syntax(error, chunk.text, first_line=chunk.line)
        return Reading(None, nowhere, chunk.line, (Problem(place, (), message),), complete=False)
    except yaml.reader.ReaderError as error:
        place, message = explain_refused(error, chunk.text, first_line=chunk.line)
        return Reading(None, nowhere, chunk.line, (Problem(place, (), message),), complete=False)
    if root is None:
        return Reading(None, nowhere, chunk.line)
    line, positions = _place(root, chunk.line)[0], Positions(chunk)
    constructor = _Constructor(first_line=chunk.line)
    try:
        values = constructor.build(root)
    except _Refused as refused:
        return Reading(None, positions, line, (*constructor.problems, refused.problem), complete=False)
    return Reading(values, positions, line, tuple(constructor.problems))


def _compose(chunk: Chunk) -> yaml.Node | None:
    text = _DIRECTIVE.sub(r"\1", chunk.text) if "%" in chunk.text else chunk.text
    return yaml.compose(text, Loader=_Composer)


def _place(node: yaml.Node, first_line: int) -> Place:
    mark = node.start_mark
    return mark.line + first_line, mark.column + 1


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part], node.value[part]
    return None


class _Composer(yaml.CSafeLoader):
    """libyaml's composer that keeps its hands off the meaning of scalars, and stops before the C stack is used up."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        # Called for nodes without a tag only, so that an explicit one is seen by its difference.
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _COLLECTION

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = current_node.start_mark
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class _Constructor:
    """Nodes to plain values, with every refusal noted."""

    first_line: int
    problems: list[Problem] = field(default_factory=list)
    _path: list[str | int] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)
    _count: int = 0

    def build(self, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise self._refusal(
                node, f"more than {MAX_NODES} values, aliases written out; use fewer or smaller aliases"
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag != _COLLECTION:
            self._note(node, f"the tag '{_short(node.tag)}' cannot be used; leave it out")
        if id(node) in self._open:
            raise self._refusal(node, "an alias stands inside what it names; write the value out")
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(node, f"nested more than {MAX_DEPTH} deep, aliases written out")
        self._open.add(id(node))
        value = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)
        self._open.discard(id(node))
        return value

    def _sequence(self, node: yaml.Node) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._path.append(index)
            values.append(self.build(item))
            self._path.pop()
        return values

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            self._path.append(key)
            value = self.build(value_node)
            if key in values:
                first = next(other for other, _ in node.value if other.value == key)
                self._note(key_node, f"the key stands twice; first on line {_place(first, self.first_line)[0]}")
            else:
                values[key] = value
            self._path.pop()
        return values

    def _key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._note(node, "a key is text, not a list or a mapping")
            return None
        text: str = node.value
        if node.tag == _QUOTED:
            return text
        if text == "<<":
            self._note(node, "merge keys cannot be used; write the keys out, or put what is shared into a Policy")
            return None
        if node.tag != _PLAIN:
            self._note(node, f"the tag '{_short(node.tag)}' cannot be used; leave it out")
            return text
        if not text:
            self._note(node, "a key is missing before ':'")
            return None
        if not means_text(text):
            self._note(node, f"a key is text; put it in quotes: '{text}'")
            return None
        return text

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.tag == _QUOTED:
            return text
        if node.tag != _PLAIN:
            self._note(node, f"the tag '{_short(node.tag)}' cannot be used; leave it out, and put text in quotes")
            return text
        try:
            return meaning(text)
        except ValueError as error:
            self._note(node, str(error))
            return text

    def _note(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(_place(node, self.first_line), tuple(self._path), message))

    def _refusal(self, node: yaml.Node, message: str) -> _Refused:
        return _Refused(Problem(_place(node, self.first_line), tuple(self._path), message))


def _short(tag: str | None) -> str:
    return (tag or "").replace("tag:yaml.org,2002:", "!!")
