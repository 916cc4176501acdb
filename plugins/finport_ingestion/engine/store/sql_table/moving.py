"""Rows on their way: from staging into the table, out of it into the history, and back.

Values are literals that psycopg quotes, not parameters: with parameters a `%` in a column's name would be one as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from finport_ingestion.engine.store.sql_table.columns import Table
from finport_ingestion.engine.store.sql_table.copying import NUMBER_COLUMN, ORDER_COLUMN, STAGING
from finport_ingestion.engine.store.sql_table.names import ITEM_COLUMN, REPLACED_COLUMN, SOURCE_COLUMN, listed

_ITEM = sql.Identifier(ITEM_COLUMN)
_SOURCE = sql.Identifier(SOURCE_COLUMN)
_REPLACED = sql.Identifier(REPLACED_COLUMN)
_ORDER = sql.Identifier(ORDER_COLUMN)
_NUMBER = sql.Identifier(NUMBER_COLUMN)


@dataclass(frozen=True, slots=True)
class Naming:
    """What names a record, and tells its corrections apart; without a key records are only appended."""

    key: tuple[str, ...]
    version: str | None

    def same(self, one: str, other: str) -> sql.Composable:
        """Whether two rows are of one record."""
        return sql.SQL(" AND ").join(
            sql.SQL("{0}.{2} = {1}.{2}").format(sql.SQL(one), sql.SQL(other), sql.Identifier(name)) for name in self.key
        )

    def is_newer(self, one: str, other: str) -> sql.Composable:
        """Whether row `one` is of a greater version than row `other`; one without a version is the oldest."""
        if self.version is None:
            return sql.SQL("false")
        return sql.SQL("coalesce({0}.{2} > {1}.{2}, {0}.{2} IS NOT NULL AND {1}.{2} IS NULL)").format(
            sql.SQL(one), sql.SQL(other), sql.Identifier(self.version)
        )

    def newest_first(self, then: sql.Composable) -> sql.Composable:
        """What DISTINCT ON the key sorts by: the greatest version, and of alike ones by `then`."""
        version = sql.SQL("{} DESC NULLS LAST, ").format(sql.Identifier(self.version)) if self.version else sql.SQL("")
        return sql.SQL("{}, {}{}").format(listed(self.key), version, then)


@dataclass(frozen=True, slots=True)
class Moves:
    """The rows of one source that a commit moves."""

    connection: psycopg.Connection
    table: Table
    source: str
    commit: int

    @property
    def _columns(self) -> sql.Composed:
        return listed([*self.table.columns, ITEM_COLUMN, SOURCE_COLUMN])

    def retire_items(self, items: Sequence[int]) -> None:
        """Move the rows of replaced items to the history."""
        self._retire(sql.SQL("t.{} = ANY({})").format(_ITEM, _ids(items)))

    def insert(self, items: Sequence[int], *, schema: pa.Schema, naming: Naming) -> dict[int, int]:
        """Take the staged rows in; `items` are the ids by number. Rows with a key take the place of that record.

        Of several staged rows with one key, the last counts, of those of the greatest version.

        Returns:
            The number of rows by item id.
        """
        if not len(schema):
            return {}
        rows = sql.SQL("SELECT * FROM {}").format(STAGING)
        if naming.key:
            self._set_older_aside(items, schema=schema, naming=naming)
            rows = sql.SQL("SELECT DISTINCT ON ({}) * FROM {} ORDER BY {}").format(
                listed(naming.key), STAGING, naming.newest_first(sql.SQL("{} DESC").format(_ORDER))
            )
            staged = sql.SQL("t.{} = {} AND EXISTS (SELECT FROM {} s WHERE {})")
            self._retire(staged.format(_SOURCE, sql.Literal(self.source), STAGING, naming.same("t", "s")))
        statement = sql.SQL(
            """
            WITH added AS (
                INSERT INTO {table} ({columns}, {item}, {source})
                SELECT {staged}, n.id, {name} FROM ({rows}) s
                JOIN unnest({items}) WITH ORDINALITY AS n(id, place) ON n.place = s.{number} + 1
                ORDER BY s.{order} RETURNING {item} AS id
            ) SELECT id, count(*) FROM added GROUP BY id
            """
        ).format(
            table=self.table.name.rows,
            columns=listed(schema.names),
            staged=listed(schema.names, of="s"),
            item=_ITEM,
            source=_SOURCE,
            name=sql.Literal(self.source),
            items=_ids(items),
            rows=rows,
            number=_NUMBER,
            order=_ORDER,
        )
        return dict(self.connection.execute(statement).fetchall())

    def _set_older_aside(self, items: Sequence[int], *, schema: pa.Schema, naming: Naming) -> None:
        """Staged rows that are older than what stands go to the history, as if that had replaced them."""
        if naming.version is None:
            return
        statement = sql.SQL(
            """
            WITH late AS (
                DELETE FROM {staging} s USING {table} t JOIN {items_table} i ON i.item_id = t.{item}
                WHERE t.{source} = {name} AND {same} AND {newer} RETURNING s.*, i.commit_id AS newer_commit
            )
            INSERT INTO {history} ({columns}, {item}, {source}, {replaced})
            SELECT {late}, n.id, {name}, late.newer_commit FROM late
            JOIN unnest({items}) WITH ORDINALITY AS n(id, place) ON n.place = late.{number} + 1
            """
        ).format(
            staging=STAGING,
            table=self.table.name.rows,
            items_table=self.table.name.items,
            history=self.table.name.history,
            columns=listed(schema.names),
            late=listed(schema.names, of="late"),
            item=_ITEM,
            source=_SOURCE,
            replaced=_REPLACED,
            name=sql.Literal(self.source),
            same=naming.same("t", "s"),
            newer=naming.is_newer("t", "s"),
            items=_ids(items),
            number=_NUMBER,
        )
        self.connection.execute(statement)

    def restore(self, naming: Naming) -> None:
        """Move what the commit had replaced, and nothing else replaces, from the history back into the table."""
        self._leave_older(naming)
        statement = sql.SQL(
            """
            WITH back AS (DELETE FROM {history} WHERE {replaced} = {commit} RETURNING {columns})
            INSERT INTO {table} ({columns}) SELECT {columns} FROM back
            """
        ).format(
            history=self.table.name.history,
            replaced=_REPLACED,
            commit=sql.Literal(self.commit),
            columns=self._columns,
            table=self.table.name.rows,
        )
        self.connection.execute(statement)

    def remove(self, items: Sequence[int]) -> None:
        """Delete the rows of items, also those that were replaced since."""
        for each in (self.table.name.rows, self.table.name.history):
            self.connection.execute(sql.SQL("DELETE FROM {} WHERE {} = ANY({})").format(each, _ITEM, _ids(items)))

    def _leave_older(self, naming: Naming) -> None:
        """Of several versions that the commit had replaced, those that the newest of them replaces stay."""
        if naming.version is None:
            return
        statement = sql.SQL(
            """
            UPDATE {history} h SET {replaced} = w.newest_commit FROM (
                SELECT DISTINCT ON ({keys}) {keys}, r.ctid AS place, i.commit_id AS newest_commit
                FROM {history} r JOIN {items} i ON i.item_id = r.{item}
                WHERE r.{replaced} = {commit} AND r.{source} = {name} ORDER BY {newest}
            ) w WHERE h.{replaced} = {commit} AND h.{source} = {name} AND {same} AND h.ctid <> w.place
            """
        ).format(
            history=self.table.name.history,
            items=self.table.name.items,
            replaced=_REPLACED,
            commit=sql.Literal(self.commit),
            source=_SOURCE,
            name=sql.Literal(self.source),
            item=_ITEM,
            keys=listed(naming.key),
            newest=naming.newest_first(sql.SQL("i.commit_id DESC")),
            same=naming.same("h", "w"),
        )
        self.connection.execute(statement)

    def hand_over(self, naming: Naming) -> None:
        """Rows in the history that the commit replaced are now replaced by the earliest later commit that would have.

        That is the commit that replaced their item, or one that brought a record of the same key, whichever was first.
        """
        statement = sql.SQL(
            """
            UPDATE {history} h SET {replaced} = coalesce(least(i.replaced_by, {newer}), h.{replaced})
            FROM {items} i WHERE i.item_id = h.{item} AND h.{replaced} = {commit}
            """
        ).format(
            history=self.table.name.history,
            replaced=_REPLACED,
            newer=self._first_with_key(naming),
            items=self.table.name.items,
            item=_ITEM,
            commit=sql.Literal(self.commit),
        )
        self.connection.execute(statement)

    def _first_with_key(self, naming: Naming) -> sql.Composable:
        """The earliest later commit that brought a record with the key of row `h` of the history, and no older one."""
        if not naming.key:
            return sql.SQL("NULL::bigint")
        named = [*naming.key, *([naming.version] if naming.version else [])]
        return sql.SQL(
            """
            (SELECT min(l.commit_id) FROM {items} l JOIN (
                SELECT {item}, {source}, {named} FROM {table}
                UNION ALL SELECT {item}, {source}, {named} FROM {history}
            ) r ON r.{item} = l.item_id
            WHERE r.{source} = h.{source} AND {same} AND NOT {older} AND l.commit_id > greatest({commit}, i.commit_id))
            """
        ).format(
            items=self.table.name.items,
            commit=sql.Literal(self.commit),
            item=_ITEM,
            source=_SOURCE,
            named=listed(named),
            table=self.table.name.rows,
            history=self.table.name.history,
            same=naming.same("r", "h"),
            older=naming.is_newer("h", "r"),
        )

    def _retire(self, condition: sql.Composable) -> None:
        statement = sql.SQL(
            """
            WITH gone AS (DELETE FROM {table} t WHERE {condition} RETURNING {columns})
            INSERT INTO {history} ({columns}, {replaced}) SELECT {columns}, {commit} FROM gone
            """
        ).format(
            table=self.table.name.rows,
            condition=condition,
            columns=self._columns,
            history=self.table.name.history,
            replaced=_REPLACED,
            commit=sql.Literal(self.commit),
        )
        self.connection.execute(statement)


def _ids(items: Sequence[int]) -> sql.Composed:
    return sql.SQL("{}::bigint[]").format(sql.Literal(list(items)))
