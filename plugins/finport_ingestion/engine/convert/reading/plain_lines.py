"""Lines with comments, or with blanks between fields, as lines that any parser of delimited text reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BLANK = " "
"""The delimiter that stands for any run of blanks and tabs."""
_FIELDS = re.compile(rb'"(?:[^"]|"")*"|[^ \t\r\n]+')
_ENDS = (b"\r\n", b"\n", b"\r")


@dataclass(frozen=True, slots=True)
class Lines:
    """What has to be done to each line."""

    comment: str = ""  # lines that begin with it are emptied
    blanks: bool = False  # runs of blanks become one

    @property
    def as_they_are(self) -> bool:
        return not self.comment and not self.blanks

    def plain(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same number of lines; bytes may be fewer."""
        mark, rest = self.comment.encode(), b""
        for chunk in chunks:
            content = rest + chunk
            end = max(content.rfind(b"\n"), content.rfind(b"\r", 0, -1)) + 1
            rest = content[end:]
            if end:
                yield self._plain(content[:end], mark)
        if rest:
            yield self._plain(rest, mark)

    def _plain(self, content: bytes, mark: bytes) -> bytes:
        return b"".join(self._line(line, mark) for line in content.splitlines(keepends=True))

    def _line(self, line: bytes, mark: bytes) -> bytes:
        end = next((end for end in _ENDS if line.endswith(end)), b"")
        if mark and line.lstrip().startswith(mark):
            return end
        return b" ".join(_FIELDS.findall(line)) + end if self.blanks else line
