"""An XML document as a stream of elements: nothing is loaded from elsewhere, depth and sizes are bounded, every error
has its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from lxml import etree

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_source import XmlText
from finport_ingestion.engine.errors import FormatError

_OPTION = re.compile(r",? (?:try|use) XML_PARSE_HUGE(?: option)?")
_LIMIT = re.compile(r"limit exceeded|too (?:long|big)|Excessive depth|Maximum|Huge input", re.IGNORECASE)
_ENTITY = re.compile(r"^Entity '.*' not defined")
Element: TypeAlias = Any  # lxml's own; its stubs are not installed

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
PARSER_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


class XmlEvents:
    """The start and end of each element, in order. The caller clears what it has used: see `forget`."""

    def __init__(self, text: XmlText, *, raw: RawFile) -> None:
        self.raw = raw
        self.fed_bytes = 0
        self.depth = 0
        self._text = text
        self._parser = etree.XMLPullParser(events=("start", "end"), collect_ids=False, **PARSER_OPTIONS)

    def __iter__(self) -> Iterator[tuple[str, Element]]:
        """(`start` or `end`, element).

        Raises:
            FormatError: It is not well-formed XML, cut, or nested too deep.
        """
        try:
            for chunk in self._text.chunks:
                self._parser.feed(chunk)
                self.fed_bytes += len(chunk)
                yield from self._events()
            self._parser.close()
            yield from self._events()
        except etree.XMLSyntaxError as error:
            first = next(iter(self._parser.feed_error_log.filter_from_errors()), None)
            place = error.position if error.position[0] or first is None else (first.line, first.column)
            what = error.msg if error.position[0] or first is None else first.message
            raise syntax_error(what, place, raw=self.raw, exact=self._text.encoding.is_utf8) from error

    def _events(self) -> Iterator[tuple[str, Element]]:
        deepest = self.raw.limits.nesting
        for kind, element in self._parser.read_events():
            if kind == "start":
                self.depth += 1
                if self.depth > deepest:
                    raise too_deep(self.raw, line=element.sourceline)
                yield kind, element
            else:
                yield kind, element
                self.depth -= 1


def forget(element: Element) -> None:
    """Free an element that was used, and its brothers before it."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def local(element: Element) -> str:
    """The element's name without its namespace."""
    tag: str = element.tag
    return tag[tag.rfind("}") + 1 :]


def namespace(element: Element) -> str:
    tag: str = element.tag
    return tag[1 : tag.rfind("}")] if tag.startswith("{") else ""


def children(element: Element) -> Iterator[Element]:
    """The elements right below; an unresolved entity is none."""
    return (child for child in element if isinstance(child.tag, str))


def text_of(element: Element) -> str:
    """All the text in the element, in order."""
    return "".join(element.itertext())


def too_deep(raw: RawFile, *, line: int) -> FormatError:
    return FormatError(
        f"{raw.uri}: line {line}: elements are nested deeper than {raw.limits.nesting}.",
        hint="raise 'nesting' of the policy's 'reading' where such a document is right",
    )


def too_long(raw: RawFile, *, line: int, what: str) -> FormatError:
    return FormatError(
        f"{raw.uri}: line {line}: {what} is longer than {raw.limits.field_bytes} bytes.",
        hint="raise 'fieldBytes' of the policy's 'reading' where such a document is right",
    )


def syntax_error(what: str, position: tuple[int, int], *, raw: RawFile, exact: bool) -> FormatError:
    """The parser's finding with its place in the file.

    Args:
        position: Line and column; line 0 where the parser names none.
        exact: The file is UTF-8, so that columns of the text are bytes of the file.
    """
    line, column = max(position[0], 1), position[1]
    what, hint = _explained(str(what).partition(", line ")[0].strip().rstrip("."))
    at = _offset(raw, line, column) if exact else None
    place = f"line {line}, byte {at}" if at is not None else f"line {line}, column {column}"
    return FormatError(
        f"{raw.uri}: {place}: no well-formed XML: {what}.",
        offset_bytes=at,
        hint=hint,
    )


def _explained(what: str) -> tuple[str, str]:
    """The parser's words without its own options, and the fix."""
    what = _OPTION.sub("", what)
    if _LIMIT.search(what):
        return (
            what,
            "ask the source for smaller texts and less nesting: the parser has limits against hostile documents",
        )
    if _ENTITY.search(what):
        return what, "ask the source for characters, or their numbers (&#160;), instead of named entities"
    return what, "ask for the file again: it may be cut or damaged"


def _offset(raw: RawFile, line: int, column: int) -> int | None:
    """The byte of a file at which a line's column stands."""
    before, offset = line - 1, 0
    with raw.open() as stream:
        while before > 0:
            chunk = stream.read(1 << 20)
            if not chunk:
                return None
            count = chunk.count(b"\n")
            if count < before:
                before -= count
                offset += len(chunk)
                continue
            at = -1
            for _ in range(before):
                at = chunk.index(b"\n", at + 1)
            offset += at + 1
            before = 0
    return min(offset + max(column - 1, 0), raw.size_bytes)
