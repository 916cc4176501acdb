"""What a storage shall show after any sequence of commits, said in the simplest way: fold the list of commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.interface import PublishRequest

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ModelCommit:
    """One publication."""

    source: str
    run: str
    replaces: Replaces
    items: dict[str, tuple[str, list[Row]]]  # by id: sha256, rows
    watermark: str | None


@dataclass(slots=True)
class Model:
    """A storage in memory.

    `key` is the place of the column that names a record, when records are upserted; `version` of the one that tells
    its corrections apart.
    """

    key: int | None = None
    version: int | None = None
    commits: list[ModelCommit] = field(default_factory=list)

    def rows(self) -> list[Row]:
        """All visible rows, sorted."""
        sources = {commit.source for commit in self.commits}
        return sorted((row for source in sources for *_, row in self._fold(source)[1]), key=repr)

    def watermark(self, source: str) -> str | None:
        mark = None
        for commit in self.commits:
            if commit.source == source and (commit.watermark or commit.replaces is Replaces.SOURCE):
                mark = commit.watermark
        return mark

    def publish(self, request: PublishRequest, rows: dict[str, list[Row]]) -> str:
        """'written', 'there' or 'moved on'."""
        manifest = request.manifest
        asked = {(item.item, item.sha256) for item in manifest.items}
        current = self._fold(manifest.source)[0]
        repeated = bool(asked) and asked <= current
        known = asked == current if manifest.replaces is Replaces.SOURCE else repeated
        if known and not (request.again and asked):
            return "there"
        moved = request.based_on != self.watermark(manifest.source)
        if manifest.replaces is Replaces.NOTHING and not repeated and moved:
            return "moved on"
        keeps = repeated and manifest.replaces is not Replaces.SOURCE
        items = {item.item: (item.sha256, rows[item.item]) for item in manifest.items}
        mark = manifest.watermark.value if manifest.watermark and not keeps else None
        self.commits.append(ModelCommit(manifest.source, manifest.run_id, manifest.replaces, items, mark))
        return "written"

    def retract(self, source: str, run: str) -> bool | None:
        """Whether there was something; None when a later increment builds on it."""
        own = [commit for commit in self.commits if (commit.source, commit.run) == (source, run)]
        for target in own:
            place = self.commits.index(target)
            for later in self.commits[place:]:
                if later.source != source or later.run == run:
                    continue
                if later.replaces is Replaces.SOURCE:
                    break
                if later.watermark and target.watermark:
                    return None
        self.commits = [commit for commit in self.commits if commit not in own]
        return bool(own)

    def _fold(self, source: str) -> tuple[set[tuple[str, str]], list[tuple[str, str, Row]]]:
        items: list[tuple[str, str]] = []
        rows: list[tuple[str, str, Row]] = []
        for commit in self.commits:
            if commit.source != source:
                continue
            gone = {each for each in items if _replaced(each, commit)}
            items = [each for each in items if each not in gone]
            rows = [each for each in rows if each[:2] not in gone]
            added = [(item, sha256, row) for item, (sha256, brought) in commit.items.items() for row in brought]
            if self.key is not None:
                newest = self._newest(added, {each[2][self.key]: each for each in rows})
                rows = [each for each in rows if each[2][self.key] not in newest]
                added = list(newest.values())
            items += [(item, sha256) for item, (sha256, _) in commit.items.items()]
            rows += added
        return set(items), rows

    def _newest(
        self, added: list[tuple[str, str, Row]], standing: dict[Any, tuple[str, str, Row]]
    ) -> dict[Any, tuple[str, str, Row]]:
        newest: dict[Any, tuple[str, str, Row]] = {}
        for each in added:
            name = each[2][self.key or 0]
            for other in (newest.get(name), standing.get(name)):
                if self.version is not None and other and other[2][self.version] > each[2][self.version]:
                    break
            else:
                newest[name] = each
        return newest


def _replaced(item: tuple[str, str], by: ModelCommit) -> bool:
    if by.replaces is Replaces.SOURCE:
        return True
    if item[0] not in by.items:
        return False
    return by.replaces is Replaces.ITEMS or by.items[item[0]][0] == item[1]
