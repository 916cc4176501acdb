"""A web page as the tables that hold its data, each cell as the words that a reader sees."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import is_html, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks
from finport_ingestion.engine.errors import FormatError

_MOST_BYTES = 256 << 20  # a page is held as a tree, many times as large
_MOST_COLUMNS, _MOST_ROWS = 1000, 65_534  # that a cell may span, as the standard says
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_UNSEEN = re.compile(rb"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_OPENS, _CLOSES = re.compile(rb"<table\b", re.IGNORECASE), re.compile(rb"</table\b", re.IGNORECASE)
_ENDS = re.compile(rb"</(?:body|html)\s*>", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f\v\xa0]+")
_KEPT = str.maketrans(" \n\t", "\x01\x02\x03")  # within <pre>, until the other blanks are one
_BREAK, _BREAKS = "\x04", re.compile(" *(?:\x04 *)+")
_SPELLED = str.maketrans("\x01\x02\x03", " \n\t")
_SKIPPED = frozenset(["script", "style", "template", "noscript", "select", "head"])
_APART = frozenset(
    ["br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "table", "h1", "h2", "h3", "h4", "hr", "dd", "dt"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a page is read."""

    encoding: str | None
    line_break: str  # what stands for a line break between two words of a cell
    most_cells: int


@dataclass(slots=True)
class HtmlTable:
    """A table with its spans expanded; a cell without words is ""."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    heads: int = 0  # rows at the top that are made of header cells
    feet: int = 0  # rows at the end that the page says are footers
    headings: list[int] = field(default_factory=list)  # rows of one cell over the whole width
    spans: int = 0  # cells that stand in several places
    glued: int = 0  # cells in which words meet that a line break keeps apart on the screen
    hidden: int = 0  # cells that are not on the screen, so that the others stand in their places


def tables_of(raw: RawFile, reading: Reading) -> tuple[list[HtmlTable], int, bool]:
    """The tables of data of a page, how many others were left out, and whether bytes were not of its encoding.

    Raises:
        FormatError: It is no page, has no table, or is cut within one.
    """
    content, broken = _utf8(raw, reading.encoding)
    _refuse(content, raw)
    found, real = _looked_at(_parsed(content, raw))
    kept = [(table, rows) for table, rows in found if table in real] or _only(found, raw)
    tables = [_expanded(table, rows, at, raw, reading) for at, (table, rows) in enumerate(kept, start=1)]
    return _named_apart(tables), len(found) - len(kept), broken


def _looked_at(root: Any) -> tuple[list[tuple[Any, list[Any]]], set[Any]]:
    """Every table with its rows, and those that look like data and hold no other that does."""
    from lxml import etree

    found: list[tuple[Any, list[Any]]] = []
    real: set[Any] = set()
    open_tables: list[list[Any]] = []  # the table, its rows, whether one inside it is real
    for event, table in etree.iterwalk(root, events=("start", "end"), tag="table"):
        if event == "start":
            open_tables.append([table, list(_rows_of(table)), False])
            found.append((table, open_tables[-1][1]))
            continue
        _, rows, holds = open_tables.pop()
        is_real = not holds and _is_real(table, rows)
        if is_real:
            real.add(table)
        if open_tables and (holds or is_real):
            open_tables[-1][2] = True
    return found, real


def _utf8(raw: RawFile, encoding: str | None) -> tuple[bytes, bool]:
    if raw.size_bytes > _MOST_BYTES:
        raise FormatError(
            f"{raw.uri}: a page of {raw.size_bytes} bytes; the most that is held is {_MOST_BYTES}.",
            hint="ask the source for a format that is made for data, such as CSV",
        )
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="an HTML page")
        head = stream.read(4096)
        stream.seek(0)
        found = find_encoding(stream, declared=encoding or _stated(head))
        content = b"".join(utf8_chunks(stream, found, uri=raw.uri))
    text = content.decode("utf-8", "replace").replace("\0", "\ufffd")
    return text.encode(), "\ufffd" in text


def _stated(head: bytes) -> str | None:
    """The encoding that the page states, as browsers understand it."""
    match = _CHARSET.search(head)
    if match is None or head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return None
    name = match.group(1).decode().lower()
    if name in ("iso-8859-1", "latin1", "us-ascii", "ascii"):
        return "cp1252"
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    # A page whose bytes say so in ASCII is in no wide encoding.
    return None if found.startswith(("utf-16", "utf-32")) else found


def _refuse(content: bytes, raw: RawFile) -> None:
    seen = _UNSEEN.sub(b"", content)
    opens = list(_OPENS.finditer(seen))
    if not opens:
        what = "an HTML page without a table" if is_html(content) else "no HTML page"
        hint = "look at the page: it may be a login or an error, or be filled by scripts only; check the address"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint=hint)
    if len(opens) > len(_CLOSES.findall(seen)) and not _ENDS.search(seen, opens[-1].end()):
        raise FormatError(f"{raw.uri}: the page ends within a table.", hint="the file is cut: ask for it again")


def _parsed(content: bytes, raw: RawFile) -> Any:
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.parse(io.BytesIO(content), parser).getroot()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormatError(f"{raw.uri}: not readable as HTML: {error}.", hint="ask for the file again") from error
    if root is None:
        raise FormatError(f"{raw.uri}: not readable as HTML.", hint="ask for the file again")
    return root


def _rows_of(table: Any) -> Iterator[Any]:
    """The rows of a table, without those of tables inside it."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child if row.tag == "tr")


def _cells_of(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _is_real(table: Any, rows: Sequence[Any]) -> bool:
    """Whether it looks like data: several rows of several cells, most of them as many."""
    if table.get("role") in ("presentation", "none"):
        return False
    widths = [len(_cells_of(row)) for row in rows]
    headed = any(cell.tag == "th" for row in rows[:3] for cell in _cells_of(row))
    return sum(width >= 2 for width in widths) >= (2 if headed else 3) or (headed and len(rows) >= 2)


def _only(found: list[tuple[Any, list[Any]]], raw: RawFile) -> list[tuple[Any, list[Any]]]:
    """Where no table looks like data: those that hold no other."""
    leaves = [(table, rows) for table, rows in found if len(list(table.iter("table"))) == 1 and rows]
    if not leaves:
        raise FormatError(f"{raw.uri}: an HTML page whose tables have no rows.", hint="look at the page")
    return leaves


def _expanded(table: Any, rows: Sequence[Any], at: int, raw: RawFile, reading: Reading) -> HtmlTable:
    made = HtmlTable(_name(table) or f"table_{at}")
    hanging: dict[int, tuple[int, str]] = {}  # cells of rows above that reach down, by column
    total, heads_go_on = 0, True
    group: Any = None
    for number, row in enumerate(rows):
        every = _cells_of(row)
        cells = [cell for cell in every if not _HIDDEN.search(cell.get("style") or "")]
        made.hidden += len(every) - len(cells)
        if row.getparent() is not group:
            # No cell reaches beyond the group of rows that it stands in.
            hanging, group = {}, row.getparent()
        heads_go_on = heads_go_on and _is_head(row, cells)
        # The name of a column is one line of words.
        line = _line(cells, hanging, made, " " if heads_go_on else reading.line_break)
        total += len(line)
        if total > reading.most_cells:
            raise FormatError(
                f"{raw.uri}: table '{made.name}' spans more than {reading.most_cells} cells.",
                hint="ask for smaller files",
            )
        made.rows.append(line)
        made.heads += heads_go_on
        made.feet = made.feet + 1 if row.getparent().tag == "tfoot" else 0
        if len(cells) == 1 and 1 < len(line) == _span(cells[0], "colspan", _MOST_COLUMNS):
            made.headings.append(number)
    return made


def _line(cells: Sequence[Any], hanging: dict[int, tuple[int, str]], made: HtmlTable, line_break: str) -> list[str]:
    line: list[str] = []
    for cell in cells:
        _hang(line, hanging)
        text = _joined(_words_of(cell), made, line_break)
        wide, high = _span(cell, "colspan", _MOST_COLUMNS), _span(cell, "rowspan", _MOST_ROWS)
        made.spans += wide > 1 or high > 1
        if high > 1:
            hanging.update(dict.fromkeys(range(len(line), len(line) + wide), (high - 1, text)))
        line.extend([text] * wide)
    _hang(line, hanging)
    while any(column > len(line) for column in hanging):
        line.append("")
        _hang(line, hanging)
    return line


def _hang(line: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Put the cells from above that come next into `line`."""
    while len(line) in hanging:
        left, text = hanging.pop(len(line))
        if left > 1:
            hanging[len(line)] = (left - 1, text)
        line.append(text)


def _span(cell: Any, name: str, most: int) -> int:
    text = (cell.get(name) or "1").strip()
    if text == "0" and name == "rowspan":
        return most  # to the end of its group of rows
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _is_head(row: Any, cells: Sequence[Any]) -> bool:
    if row.getparent().tag == "thead":
        return True
    return bool(cells) and all(cell.tag == "th" for cell in cells)


def _name(table: Any) -> str:
    caption = next((child for child in table if child.tag == "caption"), None)
    return (table.get("id") or "").strip() or (_BREAKS.sub(" ", _words_of(caption)) if caption is not None else "")


def _named_apart(tables: list[HtmlTable]) -> list[HtmlTable]:
    taken: set[str] = set()
    for table in tables:
        name, number = table.name, 1
        while table.name in taken:
            number += 1
            table.name = f"{name}_{number}"
        taken.add(table.name)
    return tables


def _words_of(element: Any) -> str:
    """The words of an element: blanks are one, except where the page says that they are kept, and breaks are marked.

    Words that are hidden on the screen (keys to sort by) are none.
    """
    parts: list[str] = []
    stack: list[tuple[Any, bool, str]] = [(element, False, "in")]
    while stack:
        node, kept, step = stack.pop()
        if step == "tail":
            parts += [_BREAK if node.tag in _APART else "", _blanks(node.tail, kept)]
            continue
        if not isinstance(node.tag, str) or node.tag in _SKIPPED or _HIDDEN.search(node.get("style") or ""):
            continue
        inside = kept or node.tag in ("pre", "textarea")
        parts.append(_BREAK if node.tag in _APART else "")
        parts.append(_blanks(node.text, inside))
        for child in reversed(node):
            stack += [(child, inside, "tail"), (child, inside, "in")]
    return _BLANKS.sub(" ", "".join(parts)).strip(f" {_BREAK}")


def _joined(words: str, table: HtmlTable, line_break: str) -> str:
    """The text of a cell: a line break is a blank if one stands beside it, else what the document says."""
    if _BREAK in words:
        table.glued += not line_break and any(" " not in found for found in _BREAKS.findall(words))
        words = _BREAKS.sub(lambda found: " " if " " in found[0] else line_break, words)
    return words.translate(_SPELLED)


def _blanks(text: str | None, kept: bool) -> str:
    if not text:
        return ""
    return text.translate(_KEPT) if kept else _BLANKS.sub(" ", text)
