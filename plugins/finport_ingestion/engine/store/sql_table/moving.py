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

    def insert(self, items: Sequence[int], *, schema: pa.Schema, key: Sequence[str]) -> dict[int, int]:
        """Take the staged rows in; `items` are the ids by number. Rows with a key take the place of that record.

        Of several staged rows with one key, the last counts.

        Returns:
            The number of rows by item id.
        """
        if not len(schema):
            return {}
        rows = sql.SQL("SELECT * FROM {}").format(STAGING)
        if key:
            rows = sql.SQL("SELECT DISTINCT ON ({keys}) * FROM {staging} ORDER BY {keys}, {order} DESC").format(
                keys=listed(key), staging=STAGING, order=sql.Identifier(ORDER_COLUMN)
            )
            same = sql.SQL(" AND ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(column)) for column in key)
            staged = sql.SQL("t.{} = {} AND EXISTS (SELECT FROM {} s WHERE {})")
            self._retire(staged.format(_SOURCE, sql.Literal(self.source), STAGING, same))
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
            number=sql.Identifier(NUMBER_COLUMN),
            order=sql.Identifier(ORDER_COLUMN),
        )
        return dict(self.connection.execute(statement).fetchall())

    def restore(self) -> None:
        """Move what the commit had replaced, and nothing else replaces, from the history back into the table."""
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

    def hand_over(self, key: Sequence[str]) -> None:
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
            newer=self._first_with_key(key),
            items=self.table.name.items,
            item=_ITEM,
            commit=sql.Literal(self.commit),
        )
        self.connection.execute(statement)

    def _first_with_key(self, key: Sequence[str]) -> sql.Composable:
        """The earliest later commit that brought a record with the key of row `h` of the history."""
        if not key:
            return sql.SQL("NULL::bigint")
        return sql.SQL(
            """
            (SELECT min(i.commit_id) FROM {items} i JOIN (
                SELECT {item}, {source}, {keys} FROM {table}
                UNION ALL SELECT {item}, {source}, {keys} FROM {history}
            ) r ON r.{item} = i.item_id
            WHERE r.{source} = h.{source} AND {same} AND i.commit_id > {commit})
            """
        ).format(
            items=self.table.name.items,
            commit=sql.Literal(self.commit),
            item=_ITEM,
            source=_SOURCE,
            keys=listed(key),
            table=self.table.name.rows,
            history=self.table.name.history,
            same=sql.SQL(" AND ").join(sql.SQL("r.{0} = h.{0}").format(sql.Identifier(column)) for column in key),
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
