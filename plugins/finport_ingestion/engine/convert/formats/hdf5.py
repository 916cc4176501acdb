"""HDF5 files (.h5): each dataset is a table named by its path, such as `df1/table`.

Records have a column for each field, matrices one for each column; more dimensions are lists. Texts are text where the
file or pandas states their encoding; ASCII, which HDF5 says where nobody said anything, stays bytes unless `encoding`
is given. Nothing outside the file is read: external links, external storage and virtual datasets are refused, and so
are pickled objects, which pandas writes for columns of mixed values.

```yaml
convert: {format: hdf5, datasets: [prices/table], encoding: ascii}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLACES = (0, 512, 1024, 2048, 4096, 8192, 16_384, 32_768)
_SAMPLE_ROWS = 1_000


class Hdf5Options(FormatOptions):
    """What is read, and how."""

    format: Literal["hdf5"]
    datasets: tuple[str, ...] = Field(default=(), description="Paths of the datasets to read; all by default.")
    encoding: str | None = Field(default=None, description="Of texts whose encoding the file does not state.")


class Hdf5Format:
    """See the module."""

    Options = Hdf5Options
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".h5", ".hdf5", ".hdf", ".he5")
    media_types = ("application/x-hdf5", "application/x-hdf")

    def __init__(self, options: Hdf5Options) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        # A block of the user's own may stand in front of the signature.
        if any(head.content.startswith(_SIGNATURE, place) for place in _PLACES):
            return Likeness(1.0, "has the signature of HDF5")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        return self._read(raw, rows=None)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """The first rows: a dataset has one type, whatever its values."""
        return self._read(raw, rows=_SAMPLE_ROWS)

    def _read(self, raw: RawFile, *, rows: int | None) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.hdf5_tables import Wish, read_hdf5

        return read_hdf5(raw, Wish(datasets=self.options.datasets, encoding=self.options.encoding, rows=rows))
