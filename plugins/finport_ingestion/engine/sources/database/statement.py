"""Statements about what a document names: no name is ever pasted into SQL, and a query stands in parentheses."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from finport_ingestion.engine.errors import ConfigError, SourceItemMissing
from finport_ingestion.engine.sources.database.relation import Column, Relation


def named_table(connection: sa.Connection, stated: str, *, source: str) -> sa.TableClause:
    """The table or view `name` or `schema.name`, if the database has it.

    Raises:
        SourceItemMissing: It has none; the nearest name is in the hint.
    """
    schema, _, name = stated.rpartition(".")
    inspector = sa.inspect(connection)
    known_schema = schema if schema in inspector.get_schema_names() else None
    if known_schema == (schema or None) and inspector.has_table(name, schema=known_schema):
        return sa.table(name, schema=known_schema)
    names = [*inspector.get_table_names(known_schema), *inspector.get_view_names(known_schema)]
    near = difflib.get_close_matches(name, names, n=1)
    prefix = f"{known_schema}." if known_schema else ""
    raise SourceItemMissing(
        f"{source}: the database has no table or view '{stated}'.",
        hint=f"did you mean '{prefix}{near[0]}'?" if near else "check 'table', its schema, and the login's rights",
    )


def declared_table(
    connection: sa.Connection, stated: str, *, source: str, column_of: Callable[[sa.ColumnElement[Any], Any], Column]
) -> Relation:
    """A table or view with the columns that SQLAlchemy finds declared, and its primary key.

    Args:
        column_of: Reads a column by the type of its declaration.

    Raises:
        SourceItemMissing: There is no such table.
    """
    table = named_table(connection, stated, source=source)
    inspector = sa.inspect(connection)
    key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
    declared = inspector.get_columns(table.name, schema=table.schema)
    rows = sa.table(table.name, *(sa.column(each["name"]) for each in declared), schema=table.schema)
    columns = tuple(column_of(rows.c[each["name"]], each["type"]) for each in declared)
    return Relation(name=stated, rows=rows, columns=columns, key=tuple(key))


def subquery(query: str, names: Sequence[str]) -> sa.Subquery:
    """A SELECT as something to select from."""
    # A colon would begin a parameter, which a query of a document has none of; its last line may be a comment.
    text = query.strip().rstrip(";").rstrip().replace(":", r"\:")
    return sa.text(f"{text}\n").columns(*(sa.column(name) for name in names)).subquery("finport_query")


def described(connection: sa.Connection, rows: sa.FromClause, *, source: str) -> Sequence[Any]:
    """What the driver says of the columns (DB-API `description`), without a row.

    Raises:
        ConfigError: Two of them have one name.
    """
    with connection.execute(sa.select(sa.text("*")).select_from(rows).limit(0)) as result:
        description: Sequence[Any] = result.cursor.description if result.cursor else ()
    checked_names([each[0] for each in description], source=source)
    return description


def checked_names(names: Sequence[str], *, source: str) -> None:
    """Raise ConfigError where two columns have one name."""
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise ConfigError(
            f"{source}: two columns of the query are called '{double[0]}'.", hint="name them apart with AS in the query"
        )
