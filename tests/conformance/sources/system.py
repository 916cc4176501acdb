"""What the suite wants of each protocol: a running system that sources read, and the ways to break it."""

from __future__ import annotations

import importlib
import importlib.util
from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, RowSource

AnySource = ByteSource | RowSource


class System(Protocol):
    """A system with one item at least, whose credentials hold the planted secret where it has any."""

    def source(self) -> AnySource:
        """A new source of this system, as another process would make it."""
        ...

    def change(self, item: SourceItem) -> None:
        """Alter what `item` stands for."""
        ...

    def remove(self, item: SourceItem) -> None:
        """Take what `item` stands for away."""
        ...

    def unreachable(self) -> AbstractContextManager[AnySource]:
        """A source where nobody answers."""
        ...

    def refused(self) -> AbstractContextManager[AnySource]:
        """A source whose credentials are not accepted."""
        ...


def system_of(protocol: str, request: pytest.FixtureRequest) -> System:
    """The system in `of_<protocol>.py`, made with the fixtures it asks for. No such file fails the test."""
    name = f"tests.conformance.sources.of_{protocol}"
    if importlib.util.find_spec(name) is None:
        pytest.fail(f"protocol '{protocol}' has no system to be tried on: write {name.replace('.', '/')}.py")
    system: System = importlib.import_module(name).system(request)
    return system
