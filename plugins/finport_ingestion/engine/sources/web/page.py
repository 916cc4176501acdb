"""One page of a collection behind an API, read whole, and what it says about itself."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import aiohttp
import msgspec
from isal import isal_zlib
from multidict import istr

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.facts import media_type, stated_checksum

_LINK = istr("Link")
_TABLES = {"text/csv", "text/tab-separated-values", "text/plain"}


class Page:
    """The answer to `ask`; `what` names it in messages."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes, *, ask: Ask, what: str) -> None:
        # The response itself is much to keep: some fifty objects, for each page that waits for its turn.
        self._linking = response if _LINK in response.headers else None
        self.media_type = media_type(response)
        self.checksum = stated_checksum(response)
        self.body = body
        self.ask = ask
        self.what = what
        # Two sums that make 64 bits, much faster than a digest: nobody tries to make two pages look alike. Taken at
        # once, since until the page's turn comes, its bytes have left the processor's caches.
        self.sums = isal_zlib.crc32(body) << 32 | isal_zlib.adler32(body)

    @property
    def is_blank(self) -> bool:
        return not self.body or self.body.isspace()

    @property
    def is_table(self) -> bool:
        """Whether it is lines of text, such as CSV, and no document."""
        return self.media_type in _TABLES

    def link(self, relation: str) -> str | None:
        """The address that the `Link` header states for a relation such as `next`."""
        link = self._linking.links.get(relation) if self._linking else None
        return None if link is None else str(link["url"])

    @cached_property
    def document(self) -> Any:
        """The body as JSON.

        Raises:
            FormatError: It is none.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        try:
            # Says where it goes wrong, and knows other encodings, NaN, and what else servers send.
            return json.loads(self.body)
        except ValueError as error:
            raise FormatError(
                f"{self.what} answers no JSON, which would say where the next page is.",
                offset_bytes=error.pos if isinstance(error, json.JSONDecodeError) else None,
                hint="check the source's path, or use pagination 'link' or 'none'",
            ) from None

    def records(self, path: str | None) -> list[Any]:
        """The records of a JSON page, none where there is null.

        Raises:
            FormatError: It does not say where they are.
        """
        records = self.search(path or "@")
        if not isinstance(records, list | None):
            raise FormatError(
                f"{self.what}: no list of records at '{path or '@'}' of the answer.",
                hint="state 'records' in the source's pagination: the JMESPath of the list",
            )
        return records or []

    def search(self, path: str) -> Any:
        """What a JMESPath finds in the body, None for nothing.

        Raises:
            FormatError: It cannot be applied to this body.
        """
        import jmespath

        try:
            return jmespath.search(path, self.document)
        except jmespath.exceptions.JMESPathError as error:
            raise FormatError(
                f"{self.what}: the JMESPath '{path}' cannot be applied to the answer.", hint="check 'pagination'"
            ) from error

    def count(self, path: str | None) -> int:
        """How many records the page holds; of a table, how many lines follow the first.

        Raises:
            FormatError: It does not say where they are.
        """
        if self.is_blank:
            return 0
        if self.is_table:
            return len(self.body.splitlines()) - 1
        return len(self.records(path))

    def is_true(self, path: str) -> bool:
        """Whether a JMESPath finds true in the body.

        Raises:
            FormatError: It finds something that is neither true nor false nor nothing.
        """
        found = self.search(path)
        if not isinstance(found, bool | None):
            raise FormatError(
                f"{self.what}: '{path}' finds something that is neither true nor false.",
                hint="compare it with something in 'stop' of the pagination, e.g. `next == null`",
            )
        return bool(found)

    def number(self, path: str) -> int:
        """A whole number that the body states.

        Raises:
            FormatError: There is none.
        """
        found = self.search(path)
        if isinstance(found, str) and found.isdecimal():
            return int(found)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        raise FormatError(f"{self.what}: no whole number at '{path}' of the answer.", hint="check 'pagination'")

    def token(self, path: str) -> str | None:
        """A text or number that names the next page, None at the end.

        Raises:
            FormatError: Something else stands there.
        """
        found = self.search(path)
        if found is None or found == "":
            return None
        if isinstance(found, str | int) and not isinstance(found, bool):
            return str(found)
        raise FormatError(f"{self.what}: no text at '{path}' of the answer.", hint="check 'next' of the pagination")
