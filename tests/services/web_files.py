"""A file as web servers serve it: ETag, Last-Modified, conditional requests, HEAD and one byte range."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from tests.services.web_replies import Answer, Request

BYTE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class WebFile:
    """A route that serves `content`; `replace` puts a new version there, with a new ETag.

    Args:
        content: The bytes.
        content_type: Sent as Content-Type.
        ranges: Whether byte ranges are honoured; else the whole is sent with 200, as HTTP allows.
        validators: Whether ETag and Last-Modified are sent and honoured.
    """

    def __init__(
        self,
        content: bytes,
        *,
        content_type: str = "application/octet-stream",
        ranges: bool = True,
        validators: bool = True,
    ) -> None:
        self._content_type = content_type
        self._ranges = ranges
        self._validators = validators
        self.replace(content)

    def replace(self, content: bytes, *, modified_at: datetime | None = None) -> None:
        """Serve other bytes from now on."""
        self.content = content
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        self.modified_at = (modified_at or datetime.now(UTC)).replace(microsecond=0)

    def __call__(self, request: Request) -> Answer:
        """Answer GET and HEAD."""
        headers = {"Content-Type": self._content_type, "Accept-Ranges": "bytes" if self._ranges else "none"}
        if self._validators:
            headers |= {"ETag": self.etag, "Last-Modified": format_datetime(self.modified_at, usegmt=True)}
            if self._is_unchanged(request):
                return Answer(b"", HTTPStatus.NOT_MODIFIED, headers)
        wanted = BYTE_RANGE.fullmatch(request.headers.get("range", ""))
        if not (self._ranges and wanted and request.method == "GET" and self._range_applies(request)):
            return Answer(self.content, HTTPStatus.OK, headers)
        return self._part(wanted[1], wanted[2], headers)

    def _part(self, first: str, last: str, headers: dict[str, str]) -> Answer:
        size = len(self.content)
        if first:
            start, end = int(first), min(int(last or size), size - 1)
        else:
            # "bytes=-5": the last five.
            start, end = max(0, size - int(last or 0)), size - 1
        if start > end:
            unsatisfied = headers | {"Content-Range": f"bytes */{size}"}
            return Answer(b"", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, unsatisfied)
        part = headers | {"Content-Range": f"bytes {start}-{end}/{size}"}
        return Answer(self.content[start : end + 1], HTTPStatus.PARTIAL_CONTENT, part)

    def _is_unchanged(self, request: Request) -> bool:
        if (known := request.headers.get("if-none-match")) is not None:
            tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
            return "*" in tags or self.etag in tags
        if (since := request.headers.get("if-modified-since")) is not None:
            return self.modified_at <= parsedate_to_datetime(since)
        return False

    def _range_applies(self, request: Request) -> bool:
        """If-Range: a part of a version that is gone is worth nothing; send the whole new one."""
        validator = request.headers.get("if-range")
        return validator is None or validator in {self.etag, format_datetime(self.modified_at, usegmt=True)}
