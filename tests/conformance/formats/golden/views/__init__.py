"""The adapters, one for each message format: how a golden table follows from our tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable


class View:
    """How the golden tables and facts of a format follow from ours. Nothing may be rounded, cut or guessed."""

    not_of_the_data: ClassVar[Mapping[str, str]] = {}
    """Facts that are about the bytes, or about another reader: name and why."""

    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        """The values of the golden columns, by their golden name."""
        raise NotImplementedError

    def delivered(self, golden: GoldenTable, path: Path) -> Mapping[str, Sequence[str | None]]:
        """The texts of the golden columns by a simple reading of the file, where ours are typed."""
        return {}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        """Name, wanted and ours of each fact that the manifest states."""
        yield from ()

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """Where our tables say different things of one record."""
        yield from ()
