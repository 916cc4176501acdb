"""The content of a fact in a page: its text, or its XHTML, with what continues it and without what is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from finport_ingestion.engine.convert.reading.xml_events import XML_LANG, Element, local, namespace

_INLINE = "inlineXBRL"
_XHTML = "http://www.w3.org/1999/xhtml"
_VOID_WORDS = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_WORDS.split())


@dataclass(slots=True)
class Continuations:
    """The elements that continue others, by id."""

    found: dict[str, Element] = field(default_factory=dict)

    def take(self, element: Element) -> None:
        if local(element) == "continuation":
            self.found[element.get("id", "")] = element

    def chain(self, element: Element) -> Iterator[Element]:
        """The element and all that continues it, in order; a circle ends where it closes."""
        seen: set[str] = set()
        yield element
        following = element.get("continuedAt")
        while following is not None and following not in seen and following in self.found:
            seen.add(following)
            yield self.found[following]
            following = self.found[following].get("continuedAt")


def shown(element: Element, continued: Continuations) -> str:
    """The text of a fact."""
    return "".join(piece for part in continued.chain(element) for piece in _texts(part))


def _texts(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and not _is_inline(child, "exclude"):
            yield from _texts(child)
        yield child.tail or ""


def markup(element: Element, continued: Continuations) -> str:
    """The XHTML of a fact, without the elements of inline XBRL in it."""
    return "".join(piece for part in continued.chain(element) for piece in _pieces(part))


def _pieces(element: Element) -> Iterator[str]:
    """What is inside an element."""
    yield escape(element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            if namespace(child).endswith(_INLINE):
                yield from () if local(child) == "exclude" else _pieces(child)
            else:
                yield from _tagged(child)
        yield escape(child.tail or "")


def _tagged(element: Element) -> Iterator[str]:
    name = local(element) if namespace(element) in (_XHTML, "") else f"{element.prefix}:{local(element)}"
    attributes = "".join(f" {_attribute(key)}={quoteattr(value)}" for key, value in element.attrib.items())
    if local(element) in _VOID and not len(element) and not element.text:
        yield f"<{name}{attributes}/>"
        return
    yield f"<{name}{attributes}>"
    yield from _pieces(element)
    yield f"</{name}>"


def _attribute(key: str) -> str:
    return "xml:lang" if key == XML_LANG else key[key.rfind("}") + 1 :]


def _is_inline(element: Element, name: str) -> bool:
    return local(element) == name and namespace(element).endswith(_INLINE)
