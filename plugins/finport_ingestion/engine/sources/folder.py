"""Files of a folder that this machine sees.

```yaml
source:
  protocol: file
  connection: vendor_drop   # its extra `path` is the folder
  pattern: "*.csv"
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.model import Duration, parse_duration
from finport_ingestion.engine.options import SourceOptions


class FileOptions(SourceOptions):
    """A folder and what to take from it."""

    protocol: Literal["file"]
    path: str | None = Field(default=None, description="The folder, below the connection's `path`.")
    pattern: str = Field(default="*", description="Which files, as a shell pattern; `**/` descends.")
    settle: Duration = Field(
        default=parse_duration("0s"), description="A file younger than this is left for the next run."
    )


class FolderSource:
    """See the module."""

    Options = FileOptions
