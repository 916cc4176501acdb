"""The connector and the collector for tasks of your own: a source of the documents, reached as its runs reach it.

```python
@task
def newest() -> str:
    items = CollectorHook("prices", project="/usr/local/airflow").items()
    return items[-1].id
```
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.sources.opening import open_source
from finport_ingestion.engine.workflow.looking import LOOK_SECONDS, looking_at
from finport_ingestion.engine.workflow.services import Services
from finport_ingestion.factory.dags import catalog_of
from finport_ingestion.hooks.connections import AirflowConnections

if TYPE_CHECKING:
    from finport_ingestion.engine.records import SourceItem
    from finport_ingestion.engine.sources.interface import ByteSource, RowSource


class ConnectorHook(BaseHook):
    """One source: its connection, login, TLS, limits and circuit, as its document states them.

    Args:
        source: Name of the Source document; it may be paused.
        project: The folder that holds `include/configs`.
        seconds: How long one use may take.
    """

    def __init__(self, source: str, *, project: str | Path, seconds: float = LOOK_SECONDS) -> None:
        super().__init__()
        self.source = source
        self.seconds = seconds
        self._project = Project(Path(project))

    def check(self) -> str:
        """Log in; one sentence about what answered. Raises the engine's errors."""
        with self.opened() as source:
            return source.check()

    @contextlib.contextmanager
    def opened(self) -> Iterator[ByteSource | RowSource]:
        """The live source, as long as the block lasts. Nothing is contacted before it is used."""
        services = Services.of(self._project, AirflowConnections())
        with looking_at(catalog_of(self._project), self.source, services, seconds=self.seconds) as context:
            yield open_source(context)


class CollectorHook(ConnectorHook):
    """What a source has."""

    def items(self) -> list[SourceItem]:
        """All items that a first run would find, in order."""
        with self.opened() as source:
            return list(source.discover(None))
