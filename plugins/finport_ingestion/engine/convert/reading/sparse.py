"""Bounds for tables that records of ever other members blow up: a few of them are billions of empty cells."""

from __future__ import annotations

from dataclasses import dataclass

from finport_ingestion.engine.errors import FormatError

BATCH_CELLS = 5_000_000
"""Cells, empty ones too, at which a batch is handed over."""
_FREE_CELLS = 20_000_000
_MOST_CELLS = 500  # for each that is filled, beyond those
MOST_COLUMNS = 20_000
_HINT = "state in 'records' what one row shall be, or ask for names as values"


@dataclass(slots=True)
class Sparseness:
    """How many cells the tables of a file have so far, and how many of them are filled."""

    uri: str
    cells: int = 0
    filled: int = 0

    def add(self, *, rows: int, columns: int, filled: int) -> None:
        """Count the cells of a batch.

        Raises:
            FormatError: Hardly any of all cells is filled, or there are columns without end.
        """
        if columns > MOST_COLUMNS:
            told = f"its records have {columns} different members; no more than {MOST_COLUMNS} become columns"
            raise FormatError(f"{self.uri}: {told}.", hint=_HINT)
        self.cells += rows * columns
        self.filled += filled
        if self.cells > _FREE_CELLS and self.cells > _MOST_CELLS * self.filled:
            share = f"1 of {self.cells // max(self.filled, 1)} cells"
            raise FormatError(
                f"{self.uri}: its records have ever other members: {columns} columns, of which {share} is filled.",
                hint=_HINT,
            )
