"""Rows of a dataset: out of its snapshots, or out of the table that its source names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finport_ingestion.cli import surroundings
from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.config.mistakes import suggestion
from finport_ingestion.engine.errors import ConfigError, FinportError, SourceItemMissing

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.store.interface import Storage
    from finport_ingestion.engine.workflow.services import Services

_SECONDS = 3600.0
_VIEW = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be read."""

    dataset: str
    snapshot: int | None = None
    limit: int | None = None
    columns: tuple[str, ...] | None = None
    where: str | None = None
    lineage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows, and a phrase that says what they are of."""

    rows: pa.Table
    about: str


def rows_of(question: Question, services: Callable[[], Services]) -> Answer:
    """The rows that were asked for.

    Args:
        services: Asked for only where the dataset lies in a database: reading files needs no state.

    Raises:
        SourceItemMissing: There is no such dataset or snapshot.
        ConfigError: No such column, or the condition is no SQL over the dataset's columns.
    """
    from finport_ingestion.engine.store.read import list_datasets

    project = surroundings.project()
    places = project.places()
    if question.dataset in (known := list_datasets(places)):
        return _of_snapshot(question, places)
    storage = _storage_of(question.dataset, surroundings.catalog(project), services)
    if storage is None:
        raise SourceItemMissing(
            f"no dataset '{question.dataset}' is published.", hint=suggestion(question.dataset, known)
        )
    return _of_storage(question, storage)


def _of_snapshot(question: Question, places: Any) -> Answer:
    from finport_ingestion.engine.store.read import dataset_folder, open_snapshot

    snapshot = open_snapshot(dataset_folder(places, question.dataset), number=question.snapshot)
    about = f"{question.dataset}, snapshot {snapshot.number} ({snapshot.row_count:,} rows)"
    if question.where is None:
        names = _columns(question, snapshot.full_schema.names, snapshot.schema.names)
        return Answer(rows=snapshot.to_table(names, limit=question.limit), about=about)
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        snapshot.to_duckdb(connection, _VIEW, lineage=True)
        names = _columns(question, snapshot.full_schema.names, snapshot.schema.names)
        return Answer(rows=_selected(connection, question, names), about=about)


def _of_storage(question: Question, storage: Storage) -> Answer:
    if question.snapshot is not None:
        raise ConfigError(
            f"{question.dataset} lies in {storage.place}, which has no snapshots.", hint="leave --snapshot out"
        )
    about = f"{question.dataset} in {storage.place}"
    if question.where is None:
        return Answer(rows=storage.read(question.columns, limit=question.limit, lineage=question.lineage), about=about)
    import duckdb

    table = storage.read(lineage=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register(_VIEW, table)
        shown = storage.read(limit=0, lineage=False).column_names
        return Answer(rows=_selected(connection, question, _columns(question, table.column_names, shown)), about=about)


def _selected(connection: Any, question: Question, names: list[str]) -> pa.Table:
    import duckdb

    listed = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names)
    limit = "" if question.limit is None else f" LIMIT {question.limit}"
    # The condition is the person's own SQL, over an in-memory database that holds nothing but this view.
    query = f"SELECT {listed} FROM {_VIEW} WHERE ({question.where}){limit}"  # noqa: S608
    try:
        table: pa.Table = connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        told = str(error).splitlines()[0]
        raise ConfigError(f"--where is not understood: {told}", hint=f"columns are {', '.join(names)}") from error
    return table


def _columns(question: Question, every: list[str], shown: list[str]) -> list[str]:
    names = list(question.columns) if question.columns else list(every if question.lineage else shown)
    for name in names:
        if name not in every:
            raise ConfigError(f"dataset {question.dataset} has no column '{name}'.", hint=suggestion(name, shown))
    return names


def _storage_of(dataset: str, documents: Catalog, services: Callable[[], Services]) -> Storage | None:
    """The storage that a source of the project publishes the dataset into; None where no source does."""
    for name in documents.datasets.get(dataset, ()):
        try:
            source = documents.source(name)
            settings = documents.settings(name).settings
        except FinportError:
            continue  # a source with mistakes: another one may publish into the same dataset
        if settings.store.storage == "parquet" or (source.spec.dataset or name) != dataset:
            continue
        return storage_for(name, documents, services())
    return None


def storage_for(source: str, documents: Catalog, services: Services) -> Storage:
    """The storage that a source publishes into."""
    from finport_ingestion.engine.config.environment import fill
    from finport_ingestion.engine.store.interface import Opening
    from finport_ingestion.engine.store.registry import STORAGES

    spec = documents.source(source).spec
    options = fill(documents.settings(source).settings.store, services.environment, key=f"source {source}")
    opening = Opening(
        dataset=spec.dataset or source,
        places=services.places,
        connections=services.connections,
        clock=services.clock,
        deadline=Deadline.after(_SECONDS, clock=services.clock, what="the command"),
        key=spec.contract.key,
    )
    storage: Storage = STORAGES.get(options.storage)(options, opening)
    return storage
