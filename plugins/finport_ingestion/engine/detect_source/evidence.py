"""How an address answered: what the proposals are made from, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer. Names of headers are lower case; the body may be its beginning only."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str | None:
        """`text/csv` out of `text/csv; charset=utf-8`."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() or None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @cached_property
    def document(self) -> Any:
        """The body as JSON, None where it is none."""
        if self.body.lstrip()[:1] not in (b"{", b"["):
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was asked of one address."""

    url: str = field(repr=False)
    first: Answered
    conditional: Answered | None = None  # to the same request with If-None-Match or If-Modified-Since
    second_page: Answered | None = None  # to the request that a proposed pagination makes next
    signed: bool = False  # whether the answers were given to somebody who proved who asks

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
