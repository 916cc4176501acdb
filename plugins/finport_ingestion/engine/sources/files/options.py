"""What a document may say of a set of files."""

from __future__ import annotations

from pydantic import Field

from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.options import SourceOptions


class FileSetOptions(SourceOptions):
    """A folder (or prefix) and what to take from it."""

    path: str | None = Field(default=None, description="The folder, below the connection's.")
    pattern: str = Field(default="*", description="Which files, as a shell pattern; `**/` descends.")
    settle: Duration = Field(
        default=parse_duration("0s"), description="A file younger than this is left for the next run."
    )
    look_again: Duration = Field(
        default=parse_duration("0s"),
        description="Look a second time after so long; what changed in between is left for the next run. For senders"
        " that keep a file's old time while they write it, and servers that state no times.",
    )
    done_suffix: str | None = Field(
        default=None,
        description="A file is finished once another of its name with this suffix lies beside it, e.g. `.done`.",
        examples=[".done"],
        min_length=1,
    )
    checksum_suffix: str | None = Field(
        default=None,
        description="A file beside it, named so, states its SHA-256 or MD5, as sha256sum and md5sum write it; without"
        " that file it is not finished.",
        examples=[".sha256"],
        min_length=1,
    )
