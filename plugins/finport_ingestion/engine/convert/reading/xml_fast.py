"""Records of XML by steps over whole windows of the file: tags, tree and columns are found all at once.

It is right or it says so: where anything is not proved, Unproved is raised between two batches, and the exact way goes
on behind the records that were given.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.sparse import MOST_COLUMNS
from finport_ingestion.engine.convert.reading.xml_gather import Columns
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.convert.reading.xml_tags import OPEN, ROOT_SCOPE, Scope
from finport_ingestion.engine.convert.reading.xml_tokens import (
    Templates,
    Tokens,
    Unproved,
    check_text,
    has_specials,
    plain,
    tokens_of,
)
from finport_ingestion.engine.convert.reading.xml_tree import NO_RECORD, Paths, Tree, tree_of
from finport_ingestion.engine.convert.reading.xml_window import MOST_CELLS, Found, Window

CHUNK_BYTES = 4 << 20
_BATCH_ROWS = 65_536
_BLANKS = b" \t\r\n"
_MANY_PATHS = 30_000
_PLAIN_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?[A-Za-z0-9./#?=~_:-]*")


@dataclass(slots=True)
class Fast:
    """A pass over one file."""

    raw: RawFile
    columns: Columns
    paths: Paths
    templates: Templates = field(default_factory=Templates)
    opened: list[int] = field(default_factory=list)  # paths of the open elements, from the root down
    scopes: list[Scope] = field(default_factory=list)  # inside each of them
    size_bytes: int = 0  # of the file, that the batches so far were read from

    @staticmethod
    def of(raw: RawFile, path: RecordPath, columns: Columns) -> Fast:
        return Fast(raw, columns, Paths(path))

    def batches(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Batch]:
        """The records of the file.

        Raises:
            Unproved: From here on the exact way must read.
        """
        carry = pending = b""
        with self.raw.open() as stream:
            text = open_text(stream, raw=self.raw, size=chunk_bytes)
            if text is None:
                return
            for chunk in itertools.chain(text.chunks, [b""]):
                final = not chunk
                size = len(carry)
                piece = pending + chunk
                pending = b""
                # The last byte of what is left may be half of a mark.
                if has_specials(carry[-1:] + piece):
                    piece, pending = plain(piece, in_tag=_in_tag(carry))
                if final and pending.strip(b"\r"):
                    raise Unproved
                content = carry + piece
                found, end = self._window(content)
                carry = content[end:]
                if len(carry) > self.raw.limits.record_bytes:
                    raise Unproved
                if found is not None and found.count:
                    yield from self._batches(found, size_bytes=max(size + len(chunk) - len(carry), 0))
            if self.opened or carry.strip(_BLANKS):
                raise Unproved

    def _window(self, content: bytes) -> tuple[Found | None, int]:
        """The whole records of `content`, and where what is left begins."""
        tokens = tokens_of(content, self.templates)
        if len(tokens.starts) == 0:
            return None, 0
        deepest = self.raw.limits.nesting
        tree = tree_of(tokens, self.templates, self.paths, self.opened, deepest=deepest)
        if len(self.paths.all) > _MANY_PATHS:
            raise Unproved
        tokens, tree = _whole(tokens, tree)
        if len(tokens.starts) == 0:
            return None, 0
        end = int(tokens.ends[-1]) + 1
        window = content[:end]
        check_text(window)
        if bool((tree.after[:-1] == 0).any()):
            raise Unproved  # something stands behind the root
        self._require_prefixes(tokens, tree)
        scope = self._scope(tokens, tree)
        found = None
        if scope is not None:
            parts = (self.raw, window, tokens, tree, self.templates, self.paths, scope)
            found = Window(*parts).found()
        self._move(tokens, tree)
        return found, end

    def _require_prefixes(self, tokens: Tokens, tree: Tree) -> None:
        """Raise Unproved where an element outside the records needs a prefix that the root does not declare."""
        known = (self.scopes or self._opened_at(tokens, tree, 1, 1)[1] or [ROOT_SCOPE])[0].namespaces
        outside = tokens.codes[tree.records[tree.paths] == NO_RECORD]
        for code in np.flatnonzero(np.bincount(outside)).tolist() if len(outside) else []:
            if not self.templates.tags[code].prefixes <= known.keys():
                raise Unproved

    def _scope(self, tokens: Tokens, tree: Tree) -> Scope | None:
        """What prefixes mean in the records of a window; None where it has none."""
        records = tree.records[tree.paths]
        begins = np.flatnonzero((records == tree.paths) & (tree.kinds >= 0))
        if len(begins) == 0:
            return None
        first, last = int(begins[0]), int(begins[-1])
        declares = np.array([tag.declares for tag in self.templates.tags], np.bool_)[tokens.codes]
        if bool(declares[first:].any()):
            raise Unproved
        depths = [depth for depth, scope in enumerate(self.scopes, start=1) if scope is not self._outside(depth)]
        depths += tree.depths[:first][declares[:first]].tolist()
        if depths and int(tree.after[first : last + 1].min()) < max(depths):
            raise Unproved  # an element that declares prefixes ends between two records
        return self._inside(tokens, tree, first)

    def _outside(self, depth: int) -> Scope:
        return self.scopes[depth - 2] if depth > 1 else ROOT_SCOPE

    def _inside(self, tokens: Tokens, tree: Tree, until: int) -> Scope:
        """The scope where tag `until` stands."""
        depth = int(tree.depths[until]) - 1
        scopes = self._opened_at(tokens, tree, until, depth)[1]
        return scopes[-1] if scopes else ROOT_SCOPE

    def _opened_at(self, tokens: Tokens, tree: Tree, until: int, depth: int) -> tuple[list[int], list[Scope]]:
        """The open elements before tag `until`, where `depth` of them are."""
        opened, scopes = list(self.opened[:depth]), list(self.scopes[:depth])
        for level in range(1, depth + 1):
            at = np.flatnonzero((tree.depths[:until] == level) & (tree.kinds[:until] == OPEN))
            if len(at) == 0:
                continue
            begin = int(at[-1])
            tag = self.templates.tags[tokens.codes[begin]]
            above = scopes[level - 2] if level > 1 else ROOT_SCOPE
            values = self._values(tokens, begin, tag.attributes) if tag.declares else {}
            del opened[level - 1 :], scopes[level - 1 :]
            opened.append(int(tree.paths[begin]))
            scopes.append(above.inside(tag, values) if values else above)
        return opened, scopes

    def _values(self, tokens: Tokens, at: int, names: tuple[str, ...]) -> dict[str, str]:
        start, end = int(tokens.values[at]), int(tokens.values[at + 1])
        texts = tokens.pieces.take(pa.array(tokens.value_pieces[start:end])).to_pylist()
        values = dict(zip(names, texts, strict=True))
        for name, text in values.items():
            # What the parser says of odd ones is not known here.
            if name.startswith("xmlns") and (not _PLAIN_URI.fullmatch(text) or (":" in name and not text)):
                raise Unproved
        return values

    def _move(self, tokens: Tokens, tree: Tree) -> None:
        """Note what is open behind the window."""
        self.opened, self.scopes = self._opened_at(tokens, tree, len(tree.kinds), int(tree.after[-1]))

    def _batches(self, found: Found, *, size_bytes: int) -> Iterator[Batch]:
        arrays = {self.columns.names.of(key): array for key, array in found.arrays.items()}
        lists = {self.columns.names.of(key): every for key, every in found.lists.items()}
        count = len(self.columns.names.found)
        if count > MOST_COLUMNS or found.count * count > MOST_CELLS:
            raise Unproved
        for start in range(0, found.count, _BATCH_ROWS):
            count = min(_BATCH_ROWS, found.count - start)
            sliced = {name: array.slice(start, count) for name, array in arrays.items()}
            size = 0 if start else size_bytes
            self.size_bytes += size
            yield self.columns.batch(sliced, lists, count=count, size_bytes=size)


def _in_tag(content: bytes) -> bool:
    return content.rfind(b"<") > content.rfind(b">")


def _whole(tokens: Tokens, tree: Tree) -> tuple[Tokens, Tree]:
    """The tags up to the record that is still open, where one is."""
    records = tree.records[tree.paths]
    own = records == tree.paths
    opens = np.flatnonzero(own & (tree.kinds == OPEN) & (records != NO_RECORD))
    closes = np.flatnonzero(own & (tree.kinds == -1) & (records != NO_RECORD))
    if len(opens) <= len(closes):
        return tokens, tree
    end = int(opens[-1])
    cut = Tree(tree.kinds[:end], tree.after[:end], tree.depths[:end], tree.paths[:end], tree.records)
    return tokens.upto(end), cut
