"""What a tag says, once for all that are spelled the same but for the values of their attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass

OPEN, CLOSE, EMPTY = 1, -1, 0
_NAME = r"[A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u3001-\ud7ff]" + (r"[\w.\-\u00b7]*")
_QNAME = rf"(?:{_NAME}:)?{_NAME}"
_TAG = re.compile(rf"<(/?)({_QNAME})((?:[ \t\n]+{_QNAME}[ \t\n]*=[ \t\n]*\"\")*)[ \t\n]*(/?)>")
_ATTRIBUTE = re.compile(rf"({_QNAME})[ \t\n]*=")
_XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its kind, its name and those of its attributes, all as spelled."""

    kind: int
    name: str
    attributes: tuple[str, ...]

    @property
    def declares(self) -> bool:
        """Whether it gives prefixes a meaning."""
        return any(name == "xmlns" or name.startswith("xmlns:") for name in self.attributes)

    @property
    def prefixes(self) -> frozenset[str]:
        """The prefixes that it needs, beside those that it gives a meaning."""
        own = {name.partition(":")[2] for name in self.attributes if name.startswith("xmlns:")}
        names = (self.name, *(name for name in self.attributes if not name.startswith("xmlns")))
        return frozenset(name.partition(":")[0] for name in names if ":" in name) - own


def tag_of(template: bytes) -> Tag | None:
    """The tag whose text without the values of its attributes is `template`; None where it is no tag for sure."""
    try:
        match = _TAG.fullmatch(template.decode())
    except UnicodeDecodeError:
        return None
    if match is None:
        return None
    closing, name, attributes, empty = match.groups()
    names = tuple(_ATTRIBUTE.findall(attributes))
    if len(set(names)) < len(names) or (closing and (names or empty)):
        return None
    return Tag(CLOSE if closing else EMPTY if empty else OPEN, name, names)


@dataclass(frozen=True, slots=True)
class Scope:
    """What prefixes mean at some place."""

    namespaces: dict[str, str]

    def element(self, name: str) -> str | None:
        """`{namespace}name` of an element; None where its prefix means nothing."""
        prefix, _, local = name.rpartition(":")
        found = self.namespaces.get(prefix)
        if found is None:
            return None if prefix else local
        return f"{{{found}}}{local}" if found else local

    def attribute(self, name: str) -> str | None:
        """The same of an attribute, which without a prefix has no namespace."""
        return self.element(name) if ":" in name else name

    def inside(self, tag: Tag, values: dict[str, str]) -> Scope:
        """The scope within an element."""
        own = {name.partition(":")[2]: text for name, text in values.items() if name.partition(":")[0] == "xmlns"}
        return Scope({**self.namespaces, **own}) if own else self


ROOT_SCOPE = Scope({"xml": _XML})
