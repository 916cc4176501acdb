"""The facts that an XHTML page shows (inline XBRL 1.0 and 1.1), as the same tables as an instance gives."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from lxml import etree

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.iso20022_fields import EXACT
from finport_ingestion.engine.convert.reading.xbrl_instance import Fact, Facts
from finport_ingestion.engine.convert.reading.xbrl_markup import Continuations, markup, shown
from finport_ingestion.engine.convert.reading.xbrl_transforms import NoTransform, transformed
from finport_ingestion.engine.convert.reading.xml_events import (
    XML_LANG,
    XSI_NIL,
    Element,
    XmlEvents,
    local,
    namespace,
    too_long,
)
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.errors import FormatError

INLINE = ("http://www.xbrl.org/2013/inlineXBRL", "http://www.xbrl.org/2008/inlineXBRL")
_FACTS = ("nonFraction", "nonNumeric")
_TRUE = ("true", "1")
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?|-?\.\d+")
_MAX_SCALE = 100


class _Unreadable(ValueError):
    """Why the value of a fact cannot be told."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def read_inline(raw: RawFile) -> Iterator[Batch]:
    """The facts, contexts, units and footnotes of a page.

    Raises:
        FormatError: It is no XHTML, or no page with inline XBRL.
    """
    raw.refuse_if_larger_than_memory()
    facts = Facts(raw)
    with raw.open() as stream:
        text = open_text(stream, raw=raw, html=True)
        if text is None:
            yield from facts.tables.flush(0)
            return
        facts.tables.warnings += text.warnings
        events = XmlEvents(text, raw=raw)
        root = None
        for _, element in events:
            root = element if root is None else root
        page = _Page(facts)
        page.take(root)
        if not page.inline:
            raise FormatError(
                f"{raw.uri}: a page without inline XBRL: no element of {INLINE[0]}.",
                offset_bytes=0,
                hint="state the right 'format' in the Source or Format document",
            )
        facts.resolve()
        yield from facts.tables.flush(events.fed_bytes)


@dataclass(slots=True)
class _Page:
    """A page while it is walked through."""

    facts: Facts
    inline: bool = False
    continued: Continuations = field(default_factory=Continuations)
    notes: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # footnotes by id
    related: list[Element] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)  # fact, footnote, of version 1.0

    def take(self, root: Element) -> None:
        """Gather contexts, units, continuations and footnotes, then the facts in their order."""
        for element in root.iter("*"):
            if namespace(element) in INLINE:
                self.inline = True
                self.continued.take(element)
            else:
                self.facts.declared.take(element)
        for element in root.iter("*"):
            if namespace(element) in INLINE:
                self._take_note(element)
                self._take_fact(element)
        self._show_notes()

    def _take_note(self, element: Element) -> None:
        kind = local(element)
        if kind == "footnote":
            key = element.get("id", element.get("footnoteID", ""))
            self.notes[key] = (shown(element, self.continued), _language(element))
        elif kind == "relationship":
            self.related.append(element)
        elif kind in _FACTS and element.get("footnoteRefs"):
            self.named += [(element.get("id", ""), note) for note in element.get("footnoteRefs").split()]

    def _show_notes(self) -> None:
        for source, target, role in itertools.chain(self._pairs(), ((fact, note, None) for fact, note in self.named)):
            if target in self.notes:
                text, language = self.notes[target]
                self.facts.footnote({"fact_id": source, "role": role, "language": language, "text": text})

    def _pairs(self) -> Iterator[tuple[str, str, str | None]]:
        """Of each relationship all that it joins: from, to and the role."""
        for element in self.related:
            targets = [target for target in element.get("toRefs", "").split() if target in self.notes]
            for source in element.get("fromRefs", "").split():
                yield from ((source, target, element.get("arcrole")) for target in targets)

    def _take_fact(self, element: Element) -> None:
        kind = local(element)
        if kind not in _FACTS and kind != "fraction":
            return
        prefix, _, name = element.get("name", "").rpartition(":")
        nil = element.get(XSI_NIL, "false").strip() in _TRUE
        text = f"<{kind} name={element.get('name')!r} contextRef={element.get('contextRef')!r}>"
        value, fault = None, None
        try:
            value = None if nil else self._value(element)
        except _Unreadable as found:
            fault = (found.rule, f"line {element.sourceline}: fact '{element.get('name')}': {found}")
            text = etree.tostring(element, encoding="unicode", with_tail=False)
        row = {
            "fact_id": element.get("id"),
            "concept": element.get("name"),
            "name": name,
            "namespace": element.nsmap.get(prefix or None),
            "context_id": element.get("contextRef"),
            "unit_id": element.get("unitRef"),
            "decimals": element.get("decimals"),
            "precision": element.get("precision"),
            "nil": "true" if nil else "false",
            "language": _language(element) if kind == "nonNumeric" else None,
            "value": value,
            "tuple": element.get("tupleRef"),
            "target": element.get("target"),
        }
        context_id, unit_id = element.get("contextRef", ""), element.get("unitRef")
        self.facts.add(Fact(element.sourceline, context_id, unit_id, row, text, fault))

    def _value(self, element: Element) -> str:
        if local(element) == "fraction":
            raise _Unreadable("fraction", "a fraction, which is not read here")
        if local(element) == "nonFraction":
            return _number(element, self._transformed(element, shown(element, self.continued)))
        if element.get("escape", "false").strip() in _TRUE:
            text = markup(element, self.continued)
        else:
            text = shown(element, self.continued)
        if len(text) > self.facts.raw.limits.field_bytes:
            raise too_long(self.facts.raw, line=element.sourceline, what=f"the value of '{element.get('name')}'")
        return self._transformed(element, text)

    def _transformed(self, element: Element, text: str) -> str:
        name = element.get("format")
        if name is None:
            return text
        try:
            return transformed(name.rpartition(":")[2], text)
        except NoTransform as fault:
            raise _Unreadable("transformation", str(fault)) from fault


def _number(element: Element, text: str) -> str:
    """The number that is meant: scaled, with its sign, in plain digits."""
    plain = text.strip()
    if not _NUMBER.fullmatch(plain):
        raise _Unreadable("not_a_number", "its text is no number, and no transformation makes it one")
    try:
        scale = int(element.get("scale", "0"))
        number = EXACT.create_decimal(plain).scaleb(scale, EXACT) if abs(scale) <= _MAX_SCALE else None
    except (ValueError, ArithmeticError):
        number = None
    if number is None:
        raise _Unreadable("scale", "its scale or its number of digits is none that makes sense")
    negative = element.get("sign") == "-"
    return format(EXACT.minus(number) if negative and number != 0 else _unsigned_zero(number), "f")


def _unsigned_zero(number: Decimal) -> Decimal:
    return EXACT.abs(number) if number == 0 else number


def _language(element: Element) -> str | None:
    found: str | None = next(
        (holder.get(XML_LANG) for holder in (element, *element.iterancestors()) if holder.get(XML_LANG)), None
    )
    return found
