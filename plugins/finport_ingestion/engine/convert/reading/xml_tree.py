"""The tree of a piece of XML out of its tags, all at once: depths, paths, and that each tag is closed by its own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_tags import CLOSE, OPEN
from finport_ingestion.engine.convert.reading.xml_tokens import Ints, Templates, Tokens, Unproved

NO_RECORD = -1


@dataclass(frozen=True, slots=True)
class Path:
    """A path of elements from the root, as spelled."""

    parent: int
    name: str
    locals: tuple[str, ...]
    record: int  # the path of the record that it is, or is in; NO_RECORD outside


@dataclass(slots=True)
class Paths:
    """The paths that were met so far, by number; number 0 is above the root."""

    wanted: RecordPath
    all: list[Path] = field(default_factory=lambda: [Path(-1, "", (), NO_RECORD)])
    known: dict[tuple[int, str], int] = field(default_factory=dict)

    def code(self, parent: int, name: str) -> int:
        found = self.known.get((parent, name))
        if found is None:
            above = self.all[parent]
            steps = (*above.locals, name.rpartition(":")[2])
            found = self.known[parent, name] = len(self.all)
            record = above.record
            if record == NO_RECORD and self.wanted.matches(steps):
                record = found
            self.all.append(Path(parent, name, steps, record))
        return found

    def records(self) -> Ints:
        """Of each path, the record that it is or is in."""
        return np.array([path.record for path in self.all], np.int32)


@dataclass(frozen=True, slots=True)
class Tree:
    """The tags of a piece with their place in the document."""

    kinds: Ints
    after: Ints  # elements that are open behind each tag
    depths: Ints  # of the element that each tag belongs to; the root has 1
    paths: Ints  # of that element
    records: Ints  # by path


def tree_of(tokens: Tokens, templates: Templates, paths: Paths, opened: list[int], *, deepest: int) -> Tree:
    """The tree.

    Args:
        opened: Paths of the elements that are open where the piece begins, from the root down.

    Raises:
        Unproved: A tag is closed by another one's, or the tree is too deep.
    """
    kinds = np.array([tag.kind for tag in templates.tags], np.int32)[tokens.codes]
    after = (np.cumsum(kinds, dtype=np.int32) + len(opened)).astype(np.int32)
    depths = after + (kinds != OPEN)
    if len(kinds) and (after.min() < 0 or depths.max() > deepest or bool((after[:-1] == 0).any())):
        raise Unproved
    numbers = {name: number for number, name in enumerate(dict.fromkeys(tag.name for tag in templates.tags))}
    names = np.array([numbers[tag.name] for tag in templates.tags], np.int32)[tokens.codes]
    found = _paths((kinds, depths, names), list(numbers), paths, opened)
    return Tree(kinds, after, depths, found, paths.records())


def _paths(tags: tuple[Ints, Ints, Ints], spelled: list[str], paths: Paths, opened: list[int]) -> Ints:
    """The path of each tag's element, level by level: the parent is the last one that was opened a level above."""
    kinds, depths, names = tags
    found = np.zeros(len(kinds), np.int32)
    order = np.argsort(depths.astype(np.int16), kind="stable").astype(np.int32)
    bounds = np.searchsorted(depths[order], np.arange(1, (int(depths.max()) if len(depths) else 0) + 2))
    above: Ints = np.zeros(0, np.int32)  # tags that open an element one level above
    for depth, (start, end) in enumerate(itertools.pairwise(bounds.tolist()), start=1):
        level = order[start:end]
        before = opened[depth - 2] if 1 < depth <= len(opened) + 1 else 0
        begins = level[kinds[level] != CLOSE]
        _number_paths(found, begins, above, before, (names, spelled, paths))
        opens = level[kinds[level] == OPEN]
        _close(found, level, tags, (spelled, paths, opened[depth - 1] if depth <= len(opened) else 0))
        above = opens
    return found


def _number_paths(found: Ints, begins: Ints, above: Ints, before: int, known: tuple[Ints, list[str], Paths]) -> None:
    """Give the elements that begin at one level their paths."""
    names, spelled, paths = known
    if len(begins) == 0:
        return
    if len(above):
        place = np.searchsorted(above, begins) - 1
        parents = np.where(place >= 0, found[above[place]], before)
    else:
        parents = np.full(len(begins), before, np.int32)
    pairs = parents.astype(np.int64) * len(spelled) + names[begins]
    present = np.flatnonzero(np.bincount(pairs, minlength=1))
    codes = np.zeros(int(present[-1]) + 1, np.int32)
    for pair in present.tolist():
        codes[pair] = paths.code(pair // len(spelled), spelled[pair % len(spelled)])
    found[begins] = codes[pairs]


def _close(found: Ints, level: Ints, tags: tuple[Ints, Ints, Ints], known: tuple[list[str], Paths, int]) -> None:
    """Give the closing tags of one level the paths of what they close: the tag before them at this level."""
    kinds, _, names = tags
    spelled, paths, before = known
    tags_at = level[kinds[level] != 0]
    closes = kinds[tags_at] == CLOSE
    if len(tags_at) == 0:
        return
    if closes[0]:
        if before == 0 or spelled[names[tags_at[0]]] != paths.all[before].name:
            raise Unproved
        found[tags_at[0]] = before
    later = np.flatnonzero(closes[1:]) + 1
    closing, opening = tags_at[later], tags_at[later - 1]
    if bool((kinds[opening] != OPEN).any()) or bool((names[closing] != names[opening]).any()):
        raise Unproved
    found[closing] = found[opening]
