"""The facts of an XBRL instance, with all that their contexts and units say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.xbrl_contexts import COLUMNS, INSTANCE, Declared, prefixed
from finport_ingestion.engine.convert.reading.xml_events import (
    XML_LANG,
    XSI_NIL,
    Element,
    XmlEvents,
    children,
    forget,
    local,
    namespace,
    text_of,
    too_long,
)
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.convert.reading.xml_tables import Row, Tables
from finport_ingestion.engine.errors import FormatError

_LINK = "http://www.xbrl.org/2003/linkbase"
_XLINK = "{http://www.w3.org/1999/xlink}"
_TRUE = ("true", "1")
_FREE_CHARACTERS, _MOST_TIMES = 64 << 20, 8  # of the facts' texts: so many, or so many times the document's
_MOST_NOTES = 200_000  # rows of footnotes: arcs join all facts of a label with all notes of another


@dataclass(slots=True)
class Fact:
    """A fact before its context is known: contexts may stand behind the facts."""

    line: int
    context_id: str
    unit_id: str | None
    row: Row
    text: str  # for the quarantine
    fault: tuple[str, str] | None = None  # rule and reason, where its value cannot be told


@dataclass(slots=True)
class Facts:
    """Facts in order, and their tables at the end."""

    raw: RawFile
    tables: Tables = field(default_factory=lambda: Tables(COLUMNS))
    found: list[Fact] = field(default_factory=list)
    declared: Declared = field(init=False)
    characters: int = 0
    tuples: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.declared = Declared(self.raw, self.tables.warnings.append)

    def add(self, fact: Fact) -> None:
        """Keep a fact.

        Raises:
            FormatError: Facts in facts, or ever the same continuation, make many times the document of it.
        """
        self.characters += len(fact.text) + len(fact.row["value"] or "")
        if self.characters > max(_FREE_CHARACTERS, _MOST_TIMES * self.raw.size_bytes):
            raise FormatError(
                f"{self.raw.uri}: line {fact.line}: its facts hold many times the text of the document.",
                hint="ask for a document whose facts are not nested or continued without end",
            )
        self.found.append(fact)

    def place_of(self, element: Element, within: str) -> str:
        """What the facts of a tuple have in common; two that begin on one line are numbered."""
        place = f"{within}/{prefixed(element)}@{element.sourceline}"
        self.tuples[place] = number = self.tuples.get(place, 0) + 1
        return place if number == 1 else f"{place}.{number}"

    def footnote(self, row: Row) -> None:
        """Keep what a note says of a fact.

        Raises:
            FormatError: There are notes without end.
        """
        table = self.tables["footnotes"]
        if table.number >= _MOST_NOTES:
            raise FormatError(
                f"{self.raw.uri}: more than {_MOST_NOTES} pairs of a fact and a footnote.",
                hint="ask for a document in which notes are joined to the facts that they are about",
            )
        table.add(row)

    def resolve(self) -> None:
        """Make rows of the facts, now that all contexts and units are known."""
        table = self.tables["facts"]
        for fact in self.found:
            if fact.fault is not None:
                table.reject(rule=fact.fault[0], reason=fact.fault[1], text=fact.text, column="value")
                continue
            try:
                about = self.declared.about(fact.context_id, fact.unit_id)
            except KeyError as missing:
                kind = "unit" if missing.args[0] == fact.unit_id else "context"
                name = fact.row["concept"]
                reason = f"line {fact.line}: fact '{name}' names the {kind} {missing}, which the document has not"
                table.reject(rule=f"unknown_{kind}", reason=reason, text=fact.text, column=f"{kind}_id")
            else:
                table.add({**fact.row, **about})
        self.declared.show(self.tables["contexts"], self.tables["units"])


def read_instance(raw: RawFile) -> Iterator[Batch]:
    """The facts, contexts, units and footnotes of `raw`.

    Raises:
        FormatError: It is no XBRL instance.
    """
    raw.refuse_if_larger_than_memory()
    facts = Facts(raw)
    with raw.open() as stream:
        text = open_text(stream, raw=raw)
        if text is None:
            yield from facts.tables.flush(0)
            return
        facts.tables.notes += text.notes
        facts.tables.warnings += text.warnings
        events = XmlEvents(text, raw=raw)
        root, depth = None, 0
        for kind, element in events:
            if kind == "start" and root is None and _is_instance(element):
                root, depth = element, events.depth
            elif kind == "end" and root is not None and events.depth == depth + 1:
                _take(element, facts, root)
                forget(element)
        if root is None:
            raise _no_instance(raw)
        facts.resolve()
        yield from facts.tables.flush(events.fed_bytes)


def _is_instance(element: Element) -> bool:
    return local(element) == "xbrl" and namespace(element) == INSTANCE


def _no_instance(raw: RawFile) -> FormatError:
    return FormatError(
        f"{raw.uri}: no element 'xbrl' of the namespace {INSTANCE}.",
        offset_bytes=0,
        hint="state 'format: xml' with 'records', or 'format: inline_xbrl' for a page with facts in it",
    )


def _take(element: Element, facts: Facts, root: Element) -> None:
    if facts.declared.take(element):
        return
    if namespace(element) == _LINK:
        if local(element) == "footnoteLink":
            _footnotes(element, facts)
        return
    _facts(element, facts, root.get(XML_LANG), "")


def _facts(element: Element, facts: Facts, language: str | None, within: str) -> None:
    language = element.get(XML_LANG, language)
    if element.get("contextRef") is None:
        # A tuple: its facts belong together.
        place = facts.place_of(element, within)
        for child in children(element):
            _facts(child, facts, language, place)
        return
    nil = element.get(XSI_NIL, "false").strip() in _TRUE
    value = _fraction(element) or text_of(element)
    if len(value) > facts.raw.limits.field_bytes:
        raise too_long(facts.raw, line=element.sourceline, what=f"the value of '{prefixed(element)}'")
    row: Row = {
        "fact_id": element.get("id"),
        "concept": prefixed(element),
        "name": local(element),
        "namespace": namespace(element),
        "context_id": element.get("contextRef"),
        "unit_id": element.get("unitRef"),
        "decimals": element.get("decimals"),
        "precision": element.get("precision"),
        "nil": "true" if nil else "false",
        "language": None if element.get("unitRef") is not None else language,
        "value": None if nil else value,
        "tuple": within or None,
    }
    context, unit = element.get("contextRef"), element.get("unitRef")
    facts.add(Fact(element.sourceline, context, unit, row, _shortened(element)))


def _fraction(element: Element) -> str | None:
    """`1/3` of a fact that is a fraction: its texts one behind the other would be another number."""
    parts = {local(part): text_of(part).strip() for part in children(element) if namespace(part) == INSTANCE}
    return f"{parts['numerator']}/{parts['denominator']}" if parts.keys() == {"numerator", "denominator"} else None


def _shortened(element: Element) -> str:
    """The element as XML, for the quarantine; cut where it is long, since every fact keeps one."""
    if len(element.text or "") > 1000:
        return f"<{prefixed(element)} contextRef={element.get('contextRef')!r}>{(element.text or '')[:1000]}"
    found: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return found


def _footnotes(link: Element, facts: Facts) -> None:
    """Which footnote is said of which fact: by the arcs between the labels of facts and of footnotes."""
    targets: dict[str, list[str]] = {}
    notes: dict[str, list[Element]] = {}
    for child in children(link):
        label = child.get(f"{_XLINK}label", "")
        if local(child) == "loc":
            targets.setdefault(label, []).append(child.get(f"{_XLINK}href", "").rpartition("#")[2])
        elif local(child) == "footnote":
            notes.setdefault(label, []).append(child)
    for arc in children(link):
        if local(arc) != "footnoteArc":
            continue
        for fact_id in targets.get(arc.get(f"{_XLINK}from", ""), []):
            for note in notes.get(arc.get(f"{_XLINK}to", ""), []):
                facts.footnote(
                    {
                        "fact_id": fact_id,
                        "role": arc.get(f"{_XLINK}arcrole"),
                        "language": note.get(XML_LANG),
                        "text": text_of(note),
                    }
                )
