"""What a document may say of a bucket, whoever keeps it."""

from __future__ import annotations

from pydantic import Field

from finport_ingestion.engine.sources.files.options import FileSetOptions


class ObjectSetOptions(FileSetOptions):
    """Objects below a prefix. A `path` ends at a `/` of their keys."""

    anonymous: bool = Field(
        default=False, description="Ask without credentials, as public buckets allow; a connection's are not sent."
    )
    checksums: bool = Field(
        default=True,
        description="Compare with the checksum that the service keeps of an object, where it has one. Asking for it is"
        " one small request more for each object that is fetched whole.",
    )
