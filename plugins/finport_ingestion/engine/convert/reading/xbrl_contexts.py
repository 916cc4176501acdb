"""Contexts and units of XBRL: whom, when and what a fact is about; the same in instances and in inline XBRL."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_events import Element, children, local, namespace, text_of
from finport_ingestion.engine.convert.reading.xml_nodes import node_of, spelled
from finport_ingestion.engine.convert.reading.xml_tables import Row, Table

INSTANCE = "http://www.xbrl.org/2003/instance"
DIMENSIONS = "http://xbrl.org/2006/xbrldi"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "facts": {
        "fact_id": "text",
        "concept": "text",
        "name": "text",
        "namespace": "text",
        "context_id": "text",
        "entity_scheme": "text",
        "entity": "text",
        "period_type": "text",
        "period_start": "date",
        "period_end": "date",
        "dimensions": "json",
        "unit_id": "text",
        "unit": "text",
        "decimals": "text",
        "precision": "text",
        "nil": "boolean",
        "language": "text",
        "value": "text",
        "tuple": "text",
        "target": "text",
    },
    "contexts": {
        "context_id": "text",
        "entity_scheme": "text",
        "entity": "text",
        "period_type": "text",
        "period_start": "date",
        "period_end": "date",
        "dimensions": "json",
        "raw": "json",
    },
    "units": {"unit_id": "text", "unit": "text", "numerator": "text", "denominator": "text"},
    "footnotes": {"fact_id": "text", "role": "text", "language": "text", "text": "text"},
}
_CONTEXT_COLUMNS = ("entity_scheme", "entity", "period_type", "period_start", "period_end", "dimensions")
_MIDNIGHT = "T00:00:00"


@dataclass(slots=True)
class Declared:
    """The contexts and units of a document, by id."""

    raw: RawFile
    warn: Callable[[str], None]
    contexts: dict[str, Row] = field(default_factory=dict)
    units: dict[str, Row] = field(default_factory=dict)

    def take(self, element: Element) -> bool:
        """Keep a context or a unit; False where `element` is neither."""
        if namespace(element) != INSTANCE or local(element) not in ("context", "unit"):
            return False
        key = element.get("id", "")
        kept = self.contexts if local(element) == "context" else self.units
        if key in kept:
            self.warn(f"line {element.sourceline}: {local(element)} '{key}' stands twice; the first one counts")
        else:
            kept[key] = self._context(element) if kept is self.contexts else _unit(element)
        return True

    def about(self, context_id: str, unit_id: str | None) -> Row:
        """The columns of a fact that its context and unit give.

        Raises:
            KeyError: The document has no such context or unit.
        """
        context = self.contexts[context_id]
        unit = self.units[unit_id]["unit"] if unit_id is not None else None
        return {**{name: context[name] for name in _CONTEXT_COLUMNS}, "unit": unit}

    def show(self, contexts: Table, units: Table) -> None:
        for row in self.contexts.values():
            contexts.add(row)
        for row in self.units.values():
            units.add(row)

    def _context(self, element: Element) -> Row:
        identifier = element.find(f"{{{INSTANCE}}}entity/{{{INSTANCE}}}identifier")
        return {
            "context_id": element.get("id"),
            "entity_scheme": None if identifier is None else identifier.get("scheme"),
            "entity": None if identifier is None else (identifier.text or "").strip(),
            **self._period(element),
            "dimensions": _dimensions(element, self.raw),
            "raw": spelled(node_of(element, raw=self.raw)),
        }

    def _period(self, element: Element) -> Row:
        period = element.find(f"{{{INSTANCE}}}period")
        found = {} if period is None else {local(child): (child.text or "").strip() for child in children(period)}
        line = element.sourceline
        if "instant" in found:
            return {"period_type": "instant", "period_start": None, "period_end": self._day(found["instant"], line)}
        if "forever" in found:
            return {"period_type": "forever", "period_start": None, "period_end": None}
        start, end = found.get("startDate"), found.get("endDate")
        return {
            "period_type": "duration",
            "period_start": start and self._day(start, line, ends=False),
            "period_end": end and self._day(end, line),
        }

    def _day(self, text: str, line: int, *, ends: bool = True) -> str | None:
        """The day of a moment; midnight is the end of the day before where a period ends."""
        try:
            day = dt.date.fromisoformat(text[:10])
            rest = text[10:].rstrip("Z")
            if rest == _MIDNIGHT and ends:
                return (day - dt.timedelta(days=1)).isoformat()
            if rest in ("", _MIDNIGHT):
                return day.isoformat()
        except (ValueError, OverflowError):
            pass
        self.warn(f"line {line}: a period with '{text}', which is no plain date: it is null here, and stands in 'raw'")
        return None


def _unit(element: Element) -> Row:
    above, below = list(_measures(element)), []
    divide = element.find(f"{{{INSTANCE}}}divide")
    if divide is not None:
        above = list(_measures(divide.find(f"{{{INSTANCE}}}unitNumerator")))
        below = list(_measures(divide.find(f"{{{INSTANCE}}}unitDenominator")))
    numerator, denominator = " * ".join(above), " * ".join(below)
    unit = f"{numerator} / {denominator}" if below else numerator
    return {"unit_id": element.get("id"), "unit": unit, "numerator": numerator, "denominator": denominator or None}


def _measures(element: Element | None) -> Iterator[str]:
    if element is not None:
        yield from (text_of(found).strip() for found in element.findall(f"{{{INSTANCE}}}measure"))


def _dimensions(element: Element, raw: RawFile) -> str | None:
    """Members by dimension, in alphabetical order; a typed member is its value, other content stands by its name."""
    found: dict[str, str] = {}
    for holder in element.iter(f"{{{INSTANCE}}}segment", f"{{{INSTANCE}}}scenario"):
        for member in children(holder):
            if namespace(member) == DIMENSIONS and local(member) == "explicitMember":
                found[member.get("dimension", "")] = encode_basestring(text_of(member).strip())
            elif namespace(member) == DIMENSIONS and local(member) == "typedMember":
                value = dataclasses.replace(node_of(member, raw=raw), attributes={})
                found[member.get("dimension", "")] = spelled(value)
            else:
                found[prefixed(member)] = spelled(node_of(member, raw=raw))
    if not found:
        return None
    return "{" + ",".join(f"{encode_basestring(name)}:{found[name]}" for name in sorted(found)) + "}"


def prefixed(element: Element) -> str:
    """The element's name as the document spells it, with its prefix."""
    return f"{element.prefix}:{local(element)}" if element.prefix else local(element)
