"""The schema of an Avro file as a tree in which every name is resolved, and what decoders are told of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.errors import FormatError

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_MOST_NODES = 20_000
_FIX = "ask the source for a schema that the Avro specification allows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One type of a schema.

    `optional` is a union of one type and null, `union` any other; both have their branches in `children`, null too.
    `again` is a record of that name that it stands in; `tree` is a value with such records in it, then the records.
    """

    kind: str
    name: str = ""  # of a record
    logical: str = ""
    size: int = 0  # bytes of a fixed
    precision: int = 0
    scale: int = 0
    symbols: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # of the fields of a record
    children: tuple[Node, ...] = ()

    @property
    def value(self) -> Node:
        """What an optional holds where it is not null."""
        return next(child for child in self.children if child.kind != "null")

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def parse_schema(text: str, *, nesting: int, uri: str) -> Node:
    """The tree of a schema.

    Raises:
        FormatError: It is none, or is nested deeper than `nesting`.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{uri}: the Avro schema in the header is no JSON.", offset_bytes=4, hint=_FIX) from error
    parser = _Parser(uri=uri, nesting=nesting)
    root = parser.parse(plain, space="", depth=0)
    if root.kind != "record":
        return parser.as_tree(root)
    return dataclasses.replace(root, children=tuple(map(parser.as_tree, root.children)))


@dataclass(slots=True)
class _Parser:
    uri: str
    nesting: int
    known: dict[str, Node | None] = field(default_factory=dict)  # None while it is being defined
    nodes: int = 0

    def parse(self, plain: Any, *, space: str, depth: int) -> Node:
        self.nodes += 1
        if depth > self.nesting or self.nodes > _MOST_NODES:
            raise self._refusal("is nested too deep or has too many types")
        if isinstance(plain, list):
            return self._union(plain, space, depth)
        if isinstance(plain, str):
            return Node(kind=plain) if plain in PRIMITIVES else self._named(plain, space)
        if not isinstance(plain, dict) or "type" not in plain:
            raise self._refusal("has something that is no type")
        return self._object(plain, space, depth)

    def _object(self, plain: dict[str, Any], space: str, depth: int) -> Node:
        kind = plain["type"]
        if isinstance(kind, (dict, list)):
            return self.parse(kind, space=space, depth=depth + 1)
        if kind == "array":
            return Node(kind="array", children=(self.parse(plain.get("items"), space=space, depth=depth + 1),))
        if kind == "map":
            return Node(kind="map", children=(self.parse(plain.get("values"), space=space, depth=depth + 1),))
        if kind in PRIMITIVES:
            return _logical(Node(kind=kind), plain)
        return self._define(plain, space, depth) if kind in _NAMED else self._named(str(kind), space)

    def _define(self, plain: dict[str, Any], space: str, depth: int) -> Node:
        name = _full_name(str(plain.get("name", "")), plain.get("namespace"), space)
        self.known[name] = None
        made = dataclasses.replace(self._defined(plain, name.rpartition(".")[0], depth), name=name)
        self.known[name] = made
        for alias in plain.get("aliases") or ():
            self.known.setdefault(_full_name(str(alias), None, space), made)
        return made

    def _defined(self, plain: dict[str, Any], space: str, depth: int) -> Node:
        if plain["type"] == "enum":
            symbols = plain.get("symbols")
            if not isinstance(symbols, list) or not symbols:
                raise self._refusal("has an enum without symbols")
            return Node(kind="enum", symbols=tuple(map(str, symbols)))
        if plain["type"] == "fixed":
            size = plain.get("size")
            if not isinstance(size, int) or size < 0:
                raise self._refusal("has a fixed without a size")
            return _logical(Node(kind="fixed", size=size), plain)
        return self._record(plain, space, depth)

    def _record(self, plain: dict[str, Any], space: str, depth: int) -> Node:
        fields = plain.get("fields")
        if not isinstance(fields, list) or not all(isinstance(one, dict) and "name" in one for one in fields):
            raise self._refusal("has a record without fields")
        names = tuple(str(one["name"]) for one in fields)
        if len(set(names)) < len(names):
            raise self._refusal("has a record with two fields of one name")
        children = tuple(self.parse(one.get("type"), space=space, depth=depth + 1) for one in fields)
        return Node(kind="record", names=names, children=children)

    def _union(self, branches: list[Any], space: str, depth: int) -> Node:
        children = tuple(self.parse(one, space=space, depth=depth + 1) for one in branches)
        if not children or any(child.kind in ("union", "optional") for child in children):
            raise self._refusal("has a union in a union, or one of nothing")
        values = [child for child in children if child.kind != "null"]
        return Node(kind="optional" if len(values) == 1 else "union", children=children)

    def _named(self, name: str, space: str) -> Node:
        full = next((one for one in (_full_name(name, None, space), name) if one in self.known), None)
        if full is None:
            raise self._refusal(f"refers to a type '{name}' that it does not define")
        found = self.known[full]
        if found is None:
            return Node(kind="again", name=full)
        self.nodes += sum(1 for _ in itertools.islice(found.walk(), _MOST_NODES))
        if self.nodes > _MOST_NODES:
            raise self._refusal("is nested too deep or has too many types")
        return found

    def as_tree(self, node: Node) -> Node:
        """`node`, or a tree if records in it hold themselves: no column has a type for that."""
        names = {found.name for found in node.walk() if found.kind == "again"}
        if not names:
            return node
        done: set[str] = set()
        while names - done:
            name = (names - done).pop()
            done.add(name)
            names |= {found.name for found in self._record_of(name).walk() if found.kind == "again"}
        return Node(kind="tree", children=(node, *(self._record_of(name) for name in sorted(names))))

    def _record_of(self, name: str) -> Node:
        found = self.known[name]
        assert found is not None  # all are defined when the schema is parsed
        return found

    def _refusal(self, what: str) -> FormatError:
        return FormatError(f"{self.uri}: its Avro schema {what}.", offset_bytes=4, hint=_FIX)


def _full_name(name: str, namespace: object, space: str) -> str:
    if "." in name:
        return name
    inside = namespace if isinstance(namespace, str) else space
    return f"{inside}.{name}" if inside else name


def _logical(node: Node, plain: dict[str, Any]) -> Node:
    """`node` with its logical type, where it is one that fits; the specification says to ignore others."""
    name = str(plain.get("logicalType", ""))
    if node.kind not in _LOGICAL.get(name, ()):
        return node
    if name != "decimal":
        fits = {"duration": 12, "uuid": 16}.get(name, node.size) == node.size or node.kind != "fixed"
        return Node(kind=node.kind, size=node.size, logical=name) if fits else node
    precision, scale = plain.get("precision"), plain.get("scale", 0)
    if not isinstance(precision, int) or not isinstance(scale, int) or not 0 <= scale <= precision or precision < 1:
        return node
    return Node(kind=node.kind, size=node.size, logical=name, precision=precision, scale=scale)


_LOGICAL = {
    "decimal": ("bytes", "fixed"),
    "big-decimal": ("bytes",),
    "uuid": ("string", "fixed"),
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "duration": ("fixed",),
}


def to_physical(node: Node) -> Any:
    """A schema for decoders: the same bytes, every name defined where it is used.

    Logical types and enums are left to avro_values.py, but in unions and trees, whose values only the decoder can tell
    apart.
    """
    return _Physical().schema(node, logical=False)


@dataclass(slots=True)
class _Physical:
    numbers: Iterator[int] = field(default_factory=itertools.count)
    records: Mapping[str, Node] = field(default_factory=dict)  # of the tree that is being written
    written: dict[str, str] = field(default_factory=dict)  # what they are called

    def schema(self, node: Node, *, logical: bool) -> Any:
        if node.kind == "tree":
            tree = _Physical(self.numbers, {record.name: record for record in node.children[1:]})
            return tree.schema(node.children[0], logical=True)
        if node.kind == "again":
            known = self.written.get(node.name)
            return known or self.schema(self.records[node.name], logical=logical)
        name = f"n{next(self.numbers)}"
        if node.kind == "record":
            self.written[node.name] = name  # before its fields, which may refer to it
        inside = [self.schema(child, logical=logical or node.kind == "union") for child in node.children]
        if node.kind == "record":
            fields = [{"name": at, "type": made} for at, made in zip(node.names, inside, strict=True)]
            return {"type": "record", "name": name, "fields": fields}
        if node.kind in ("array", "map"):
            return {"type": node.kind, {"array": "items", "map": "values"}[node.kind]: inside[0]}
        return inside if node.kind in ("optional", "union") else _leaf(node, name, logical=logical)


def _leaf(node: Node, name: str, *, logical: bool) -> Any:
    if node.kind == "enum":
        return {"type": "enum", "name": name, "symbols": list(node.symbols)} if logical else "int"
    plain: Any = {"type": "fixed", "name": name, "size": node.size} if node.kind == "fixed" else {"type": node.kind}
    if logical and node.logical:
        plain |= {"logicalType": node.logical, "precision": node.precision, "scale": node.scale}
    return plain
