"""HTTP Basic (RFC 7617), from the connection's login and password.

```yaml
auth: {method: basic}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import AuthOptions


class BasicOptions(AuthOptions):
    """Whose login and password."""

    method: Literal["basic"]
    connection: str | None = Field(default=None, description="The source's connection by default.")


class Basic:
    """See the module."""

    Options = BasicOptions
