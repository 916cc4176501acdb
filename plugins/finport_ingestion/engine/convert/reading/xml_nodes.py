"""An element of a message as a small tree that is asked by local names, whatever its namespace and version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from json.encoder import encode_basestring

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_events import Element, children, local, too_long


@dataclass(slots=True)
class Node:
    """An element: its text (without that of its children), attributes and children by local name."""

    name: str
    text: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    kids: list[Node] = field(default_factory=list)

    def all(self, path: str) -> Iterator[Node]:
        """The elements at a path such as `Acct/Id/IBAN`, in order."""
        name, _, rest = path.partition("/")
        for kid in self.kids:
            if kid.name == name:
                if rest:
                    yield from kid.all(rest)
                else:
                    yield kid

    def first(self, *paths: str) -> Node | None:
        """The first element at the first of the paths that has one."""
        return next((found for path in paths for found in self.all(path)), None)

    def get(self, *paths: str) -> str | None:
        """The text of the first element that has one, without blanks around it; None where there is none."""
        return next((text for path in paths for found in self.all(path) if (text := found.text.strip())), None)

    def joined(self, path: str) -> str | None:
        """The texts of all elements at a path, one a line."""
        return "\n".join(text for found in self.all(path) if (text := found.text.strip())) or None


def node_of(element: Element, *, raw: RawFile) -> Node:
    """The tree of an element.

    Raises:
        FormatError: A text is longer than the limit.
    """
    kids = [node_of(child, raw=raw) for child in children(element)]
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if len(text) > raw.limits.field_bytes:
        raise too_long(raw, line=element.sourceline, what=f"the text of '{local(element)}'")
    attributes = {name[name.rfind("}") + 1 :]: value for name, value in element.attrib.items()}
    return Node(local(element), text, element.sourceline or 0, attributes, kids)


def spelled(node: Node, *, without: frozenset[str] = frozenset()) -> str:
    """The element as JSON: attributes as `@name`, children by name (a list where several), text beside them `#text`.

    Args:
        without: Children that are left out, since they have rows of their own.
    """
    members = [f"{encode_basestring('@' + name)}:{encode_basestring(text)}" for name, text in node.attributes.items()]
    kids: dict[str, list[Node]] = {}
    for kid in node.kids:
        if kid.name not in without:
            kids.setdefault(kid.name, []).append(kid)
    text = node.text if not node.kids or node.text.strip() else ""
    if not members and not kids:
        return encode_basestring(text) if text.strip() else "null"
    for name, found in kids.items():
        inner = [spelled(kid, without=without) for kid in found]
        members.append(f"{encode_basestring(name)}:{inner[0] if len(inner) == 1 else '[' + ','.join(inner) + ']'}")
    if text.strip():
        members.append(f'"#text":{encode_basestring(text)}')
    return "{" + ",".join(members) + "}"
