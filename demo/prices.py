"""The CSV source: a folder with one file an index, as its package ships it, planted lines at the end."""

from __future__ import annotations

from pathlib import Path

from demo.folder import DemoFolder
from demo.market import INDEXES, index_prices_csv
from demo.planted import INDEX_LINES

FOLDER = "prices"


def price_files(folder: DemoFolder) -> Path:
    """Write `prices/<index>.csv`; files that are there already keep their modification time."""
    for name in INDEXES:
        lines = "".join(f"{planted.row}\r\n" for planted in INDEX_LINES[name])
        folder.write(f"{FOLDER}/{name}.csv", (index_prices_csv(name) + lines).encode())
    return folder.path / FOLDER
