"""The records of one piece of XML as columns, by its tags and their tree."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from lxml import etree

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_events import PARSER_OPTIONS
from finport_ingestion.engine.convert.reading.xml_flatten import Values, listed, values_of
from finport_ingestion.engine.convert.reading.xml_paths import TEXT, Key
from finport_ingestion.engine.convert.reading.xml_tags import CLOSE, OPEN, Scope
from finport_ingestion.engine.convert.reading.xml_texts import NULL, Texts, leaf_texts, value_texts
from finport_ingestion.engine.convert.reading.xml_tokens import Ints, Templates, Tokens, Unproved
from finport_ingestion.engine.convert.reading.xml_tree import NO_RECORD, Paths, Tree
from finport_ingestion.engine.errors import FormatError

MOST_CELLS = 20_000_000
"""Of a piece, empty ones too: beyond it, the exact way looks at how many of them are filled."""
_MOST_ATTRIBUTES = (1 << 16) - 1  # of a tag, that are told apart in sixteen bits
_BLANKS = b" \t\r\n"
_PARSER = etree.XMLParser(collect_ids=False, **PARSER_OPTIONS)


@dataclass(slots=True)
class Column:
    """A leaf of the records: for each row the place of its text, or NULL."""

    first: tuple[int, int]  # where it was met, for the order of the columns
    places: Ints
    lists: int = 0  # rows with a list


@dataclass(frozen=True, slots=True)
class Found:
    """The columns of a piece, in the order in which they were met."""

    count: int
    arrays: dict[Key, pa.StringArray]
    lists: dict[Key, bool]  # keys with lists, and whether all their values are


@dataclass(slots=True)
class Window:
    """Some whole records, and what stands around them."""

    raw: RawFile
    content: bytes
    tokens: Tokens
    tree: Tree
    templates: Templates
    paths: Paths
    scope: Scope
    count: int = 0
    records: Ints = field(init=False)  # tags that begin a record
    closes: Ints = field(init=False)  # tags that end one
    rows: Ints = field(init=False)  # of each tag
    inside: np.ndarray = field(init=False)  # tags of elements that are, or are in, a record
    leaf: np.ndarray = field(init=False)  # tags that open an element without children
    columns: dict[Key, Column] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    owners: dict[tuple[int, Key], int] = field(default_factory=dict)  # paths, by the records' and their names

    def __post_init__(self) -> None:
        kinds, paths = self.tree.kinds, self.tree.paths
        record = self.tree.records[paths]
        self.records = np.flatnonzero((record == paths) & (kinds != CLOSE)).astype(np.int32)
        self.closes = np.flatnonzero((record == paths) & (kinds == CLOSE)).astype(np.int32)
        self.count = len(self.records)
        self.inside = (record != NO_RECORD) & (kinds != CLOSE)
        begins = np.zeros(len(kinds), np.int32)
        begins[self.records] = 1
        self.rows = np.cumsum(begins, dtype=np.int32) - 1
        self.leaf = np.zeros(len(kinds), np.bool_)
        self.leaf[:-1] = (kinds[:-1] == OPEN) & (kinds[1:] == CLOSE)

    def found(self) -> Found:
        """The columns.

        Raises:
            Unproved: There is text beside children, or a text that is too long.
        """
        self._require_no_mixed_text()
        self._require_small_records()
        complex_rows = self._complex_rows()
        simple = self.inside.copy()
        if len(complex_rows):
            skipped = np.zeros(self.count, np.bool_)
            skipped[complex_rows] = True
            simple &= ~skipped[self.rows]
        tokens = self.tokens
        opens = np.flatnonzero(self.leaf & simple).astype(np.int32)
        longest = self.raw.limits.field_bytes
        texts = Texts(tokens.pieces)
        self._elements(texts, opens, leaf_texts(texts, tokens, opens, longest=longest), simple)
        self._attributes(value_texts(texts, tokens, longest=longest), simple)
        self._trees(texts, complex_rows)
        return self._finished(texts)

    def _require_no_mixed_text(self) -> None:
        tokens = self.tokens
        if len(tokens.starts) == 0:
            return
        last = len(self.tree.kinds) - 1
        other = np.flatnonzero(~self.leaf[:last]).astype(np.int32)
        between = tokens.pieces.take(pa.array(tokens.text_pieces(other)))
        before = self.content[: int(tokens.starts[0])]
        if (before + _bytes(between)).translate(None, _BLANKS):
            raise Unproved

    def _require_small_records(self) -> None:
        opens = self.records[self.tree.kinds[self.records] == OPEN]
        sizes = self.tokens.ends[self.closes] - self.tokens.starts[opens]
        if len(sizes) and int(sizes.max()) >= self.raw.limits.record_bytes:
            raise Unproved

    def _complex_rows(self) -> Ints:
        """Rows in which an element that has attributes or children is there several times."""
        attributes = np.array([len(tag.attributes) for tag in self.templates.tags], np.int32)[self.tokens.codes]
        kinds, paths = self.tree.kinds, self.tree.paths
        structured = self.inside & (((kinds == OPEN) & ~self.leaf) | (attributes > 0))
        structured[self.records] = False
        rows: list[np.ndarray] = []
        for path in _present(paths[structured]):
            these = self.rows[np.flatnonzero(self.inside & (paths == path))]
            rows.append(these[1:][these[1:] == these[:-1]])
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int32)

    def _key(self, path: int) -> Key:
        """The names from below the record down to a path."""
        found = self.keys.get(path)
        if found is None:
            here = self.paths.all[path]
            name = self.scope.element(here.name)
            if name is None:
                raise Unproved
            found = () if here.record == path else (*self._key(here.parent), name)
            if self.owners.setdefault((here.record, found), path) != path:
                raise Unproved  # two prefixes of one namespace: the paths are apart, their elements are not
            self.keys[path] = found
        return found

    def _column(self, key: Key, first: tuple[int, int]) -> Column:
        column = self.columns.get(key)
        if column is None:
            if (len(self.columns) + 1) * self.count > MOST_CELLS:
                raise Unproved
            column = self.columns[key] = Column(first, np.full(self.count, NULL, np.int32))
        column.first = min(column.first, first)
        return column

    def _elements(self, texts: Texts, opens: Ints, found: Ints, simple: np.ndarray) -> None:
        """A column for each path that has a leaf."""
        numbers = np.full(len(simple), NULL, np.int32)
        numbers[opens] = found
        leaves = np.flatnonzero(simple & (self.leaf | (self.tree.kinds == 0)))
        order = leaves[np.argsort(self.tree.paths[leaves].astype(np.int16), kind="stable")]
        for start, end in _runs(self.tree.paths[order]):
            these = order[start:end]
            path = int(self.tree.paths[these[0]])
            key = self._key(path) or (TEXT,)
            places = numbers[these]
            if key == (TEXT,) and bool((places == NULL).all()):
                continue
            rows = self.rows[these]
            column = self._column(key, (int(these[0]), 1 << 20))
            column.places[rows] = places
            if bool((rows[1:] == rows[:-1]).any()):
                column.lists += self._lists(column, rows, places, texts)

    def _lists(self, column: Column, rows: Ints, places: Ints, texts: Texts) -> int:
        """Make lists of what a row has several times; how many."""
        again = np.unique(rows[1:][rows[1:] == rows[:-1]])
        for row in again.tolist():
            start, end = np.searchsorted(rows, [row, row + 1])
            text, _ = listed([texts.get(place) for place in places[start:end].tolist()])
            column.places[row] = texts.add(text)
        return len(again)

    def _attributes(self, values: Ints, simple: np.ndarray) -> None:
        """A column for each attribute of each path."""
        owners = self.tokens.value_tags
        if len(owners) == 0:
            return
        ordinals = np.arange(len(owners)) - np.searchsorted(owners, owners)
        if int(ordinals.max()) > _MOST_ATTRIBUTES:
            raise Unproved
        codes = self.tokens.codes[owners]
        pairs = (codes.astype(np.int64) << 40) | (self.tree.paths[owners].astype(np.int64) << 16) | ordinals
        kept = np.flatnonzero(simple[owners])
        order = kept[np.argsort(pairs[kept], kind="stable")]
        names: dict[int, list[str]] = {}
        for start, end in _runs(pairs[order]):
            these = order[start:end]
            code, ordinal = int(codes[these[0]]), int(ordinals[these[0]])
            if code not in names:
                names[code] = self._attribute_names(code)
            name = names[code][ordinal]
            key = (*self._key(int(self.tree.paths[owners[these[0]]])), f"@{name}")
            column = self._column(key, (int(owners[these[0]]), ordinal))
            column.places[self.rows[owners[these]]] = values[these]

    def _attribute_names(self, code: int) -> list[str]:
        """The names of a tag's attributes, which are apart with their namespaces too."""
        found = [self.scope.attribute(attribute) for attribute in self.templates.tags[code].attributes]
        names = [name for name in found if name is not None]
        if len(set(names)) < len(found):
            raise Unproved
        return names

    def _trees(self, texts: Texts, rows: Ints) -> None:
        """The rows that need their tree: each is parsed, and its leaves are put where they belong."""
        for row, values in zip(rows.tolist(), self._parsed(rows), strict=True):
            for number, (key, (text, nested)) in enumerate(values.items()):
                column = self._column(key, (int(self.records[row]), number))
                column.places[row] = texts.add(text)
                column.lists += nested

    def _parsed(self, rows: Ints) -> Iterator[Values]:
        if len(rows) == 0:
            return
        spans = [self._span(int(self.records[row])) for row in rows]
        names = "".join(
            f' xmlns{":" if prefix else ""}{prefix}="{_escaped(found)}"'
            for prefix, found in self.scope.namespaces.items()
            if prefix != "xml"
        )
        document = b"".join([b"<r", names.encode(), b">", *(self.content[a:b] for a, b in spans), b"</r>"])
        try:
            for element in etree.fromstring(document, _PARSER):
                yield values_of(element, raw=self.raw)
        except (etree.XMLSyntaxError, FormatError):
            raise Unproved from None

    def _span(self, begin: int) -> tuple[int, int]:
        """The bytes of the record that begins with a tag."""
        end = begin
        if self.tree.kinds[begin] == OPEN:
            end = int(self.closes[np.searchsorted(self.closes, begin)])
        return int(self.tokens.starts[begin]), int(self.tokens.ends[end]) + 1

    def _finished(self, texts: Texts) -> Found:
        arrays: dict[Key, pa.StringArray] = {}
        lists: dict[Key, bool] = {}
        source = texts.array()
        for key, column in sorted(self.columns.items(), key=lambda found: found[1].first):
            missing = column.places == NULL
            arrays[key] = source.take(pa.array(column.places, mask=missing if missing.any() else None))
            if column.lists:
                lists[key] = column.lists == self.count - int(missing.sum())
        return Found(self.count, arrays, lists)


def _runs(values: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where runs of equal values begin and end."""
    if len(values) == 0:
        return
    bounds = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    yield from itertools.pairwise(bounds)


def _present(codes: Ints) -> list[int]:
    found: list[int] = np.flatnonzero(np.bincount(codes)).tolist() if len(codes) else []
    return found


def _bytes(texts: pa.StringArray) -> bytes:
    """The texts of a fresh array, one behind the other."""
    content = texts.buffers()[2]
    return content.to_pybytes() if content is not None else b""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
