"""SAS data sets (.sas7bdat): numbers as stored, moments by their display format.

Every number of SAS is a float. Missing values are null; which of them (`.A` to `.Z`, `._`) a null was, the table
`missing_values` says. Labels of columns stand in `variables`; those of values lie in a catalog, which is another file.
Blanks at the end of texts are padding.

```yaml
convert: {format: sas, encoding: cp1252}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.reading import study_kind
from finport_ingestion.engine.convert.reading.study_kind import StudyKind
from finport_ingestion.engine.options import FormatOptions

_MAGIC = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_KIND_AT = 156


class SasOptions(FormatOptions):
    """What the file does not say itself."""

    format: Literal["sas"]
    encoding: str | None = Field(default=None, description="Of its texts, where it states a wrong one.")


class SasTransportOptions(FormatOptions):
    """What the file does not say itself."""

    format: Literal["sas_transport"]
    encoding: str | None = Field(default=None, description="Of its texts, e.g. cp1252; detected by default.")


class SasFormat:
    """See the module."""

    Options = SasOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".sas7bdat",)
    media_types = ("application/x-sas-data", "application/x-sas7bdat")

    def __init__(self, options: SasOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(1.0, "has the signature of a SAS data set") if is_sas(head.content) else None

    read = study_kind.read
    sample = study_kind.sample

    def study_kind(self) -> StudyKind:
        """How these files are read."""
        import pyreadstat

        from finport_ingestion.engine.convert.reading.counted_moments import sas_moment

        return StudyKind(
            name="SAS",
            parse=pyreadstat.read_sas7bdat,
            moment_of=sas_moment,
            is_one=is_sas,
            choices={"encoding": self.options.encoding, "user_missing": True},
            tag_prefix=".",
        )


def is_sas(content: bytes) -> bool:
    """Whether `content` begins as a data set; catalogs begin alike."""
    return content.startswith(_MAGIC) and content[_KIND_AT : _KIND_AT + 4] in (b"DATA", b"")


class SasTransportFormat:
    """SAS transport files (.xpt) of versions 5 and 8: as data sets; each member of the file is a table of its name."""

    Options = SasTransportOptions
    typed = True
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".xpt", ".xport", ".stx")
    media_types = ("application/x-sas-xport", "application/x-sas-transport")

    def __init__(self, options: SasTransportOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if head.content.startswith((b"HEADER RECORD*******LIBRARY HEADER", b"HEADER RECORD*******LIBV8   HEADER")):
            return Likeness(1.0, "begins with the header of a SAS library")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.transport import read_transport

        return read_transport(raw, encoding=self.options.encoding)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.transport import sample_transport

        return sample_transport(raw, encoding=self.options.encoding, size_bytes=size_bytes)
