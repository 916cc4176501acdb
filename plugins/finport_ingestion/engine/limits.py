"""What reading a file may cost: bounds that an honest delivery never meets and a hostile one does."""

from __future__ import annotations

from pydantic import Field

from finport_ingestion.engine.model import Spec


class ReadLimits(Spec):
    """A file beyond one of these is refused, with the limit's name in the error."""

    whole_file_bytes: int = Field(
        default=1 << 30, gt=0, description="Largest file of a format that has to be held in memory as a whole."
    )
    unpacked_bytes: int = Field(default=200 << 30, gt=0, description="Most bytes that a delivery may unpack to.")
    unpack_ratio: int = Field(
        default=250, gt=1, description="Most bytes that a compressed byte may unpack to, beyond the first 64 MB."
    )
    archive_members: int = Field(default=10_000, gt=0, description="Most files in an archive.")
    record_bytes: int = Field(default=64 << 20, gt=0, description="Longest record.")
    field_bytes: int = Field(default=16 << 20, gt=0, description="Longest field.")
    nesting: int = Field(default=100, gt=0, description="Deepest nesting of a document, or of archives in archives.")
    child_memory_bytes: int = Field(
        default=6 << 30, gt=0, description="Memory of the process that native readers run in."
    )
    child_seconds: int = Field(default=600, gt=0, description="Longest time that a native reader may take for a file.")
