"""The records of a QIF file: lines of a code and a text, ended by `^`, in sections that begin with `!`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.text_lines import Line, TextFile

CASH = frozenset({"bank", "cash", "ccard", "oth a", "oth l", "invoice", "tax", "bill"})


@dataclass(slots=True)
class Record:
    """One record, its section, and the account that was named before it."""

    section: str  # as delivered, without the mark: "Type:Bank"
    place: str
    account: str | None = None
    account_type: str | None = None
    fields: list[tuple[str, str]] = field(default_factory=list)  # code and text, in order
    lines: list[str] = field(default_factory=list)
    size_bytes: int = 0
    fault: str = ""  # why it cannot be trusted

    @property
    def kind(self) -> str:
        """The section in lower case: "bank", "invst", "account" ..."""
        return self.section.lower().removeprefix("type:").strip()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def first(self, code: str) -> str | None:
        return next((text for found, text in self.fields if found == code and text), None)

    def by_code(self) -> dict[str, str | None]:
        """Every code with its text; several of a code are a list, as JSON."""
        found: dict[str, list[str]] = {}
        for code, text in self.fields:
            found.setdefault(code, []).append(text)
        return {code: _one(texts) for code, texts in found.items()}


def records(file: TextFile, stated: dict[str, str]) -> Iterator[Record]:
    """Every record of the file.

    Args:
        stated: Takes what the file says of itself: `order` of dates (`mdy` or `dmy`), how many `comments` it has, its
            last `section`.
    """
    gathering = _Gathering(stated)
    for line in file.lines():
        ended = gathering.take(line)
        if ended is not None:
            yield ended
    if gathering.current.fields:
        gathering.current.fault = gathering.current.fault or "is not ended by ^: the file may be cut"
        yield gathering.current


@dataclass(slots=True)
class _Gathering:
    stated: dict[str, str]
    current: Record = field(default_factory=lambda: Record("", ""))
    account: Record = field(default_factory=lambda: Record("", ""))  # the last one that was named

    def take(self, line: Line) -> Record | None:
        """One more line; the record that it ends."""
        text = line.text.strip("\x1a")
        self.current.size_bytes += line.size_bytes
        if not text.strip():
            return None
        if text.startswith("#") and not self.current.fields:
            self.stated["comments"] = str(int(self.stated.get("comments", "0")) + 1)
            return None
        if text.startswith("!"):
            return self._section(text)
        if text.strip() == "^":
            return self._end(text)
        current = self.current
        current.place = current.place or line.place
        current.lines.append(line.text)
        current.fields.append((text[0], text[1:].rstrip()))
        if line.broken:
            current.fault = f"has bytes that are not of the file's encoding ({line.place})"
        return None

    def _section(self, text: str) -> Record | None:
        name = text[1:].strip()
        option = name.lower()
        if option in ("option:mdy", "option:dmy"):
            self.stated["order"] = option.removeprefix("option:")
        self.stated["section"] = name
        ended = self.current
        # Options stand between sections and are none.
        self._begin(ended.section if option.startswith(("option:", "clear:")) else name)
        if not ended.fields:
            return None
        ended.fault = ended.fault or "is not ended by ^"
        return ended

    def _end(self, text: str) -> Record | None:
        ended = self.current
        ended.lines.append(text)
        if ended.fields and ended.kind == "account":
            self.account = ended
        self._begin(ended.section)
        return ended if ended.fields else None

    def _begin(self, section: str) -> None:
        before = self.current
        self.current = Record(section, "", size_bytes=0 if before.fields else before.size_bytes)
        if self.account.fields and self.current.kind in (*CASH, "invst"):
            self.current.account, self.current.account_type = self.account.first("N"), self.account.first("T")


def _one(texts: list[str]) -> str | None:
    if len(texts) == 1:
        return texts[0] or None
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
