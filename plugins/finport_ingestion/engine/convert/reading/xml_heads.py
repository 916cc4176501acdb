"""What the beginning of an XML file shows: its root element and the namespaces in sight. Needs no parser."""

from __future__ import annotations

import re
from dataclasses import dataclass

from finport_ingestion.engine.convert.interface import Head

_PROLOG = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
# `<TICKER>,<DATE>` is a header of delimited text.
_ROOT = re.compile(
    r"(?!<\w+>[,;|\t]<)<(?:([\w.\-]+):)?([A-Za-z_][\w.\-]*)(?=[\s/>]|\Z)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)"
)
_NAMESPACE = re.compile(r"xmlns(?::([\w.\-]+))?\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True, slots=True)
class Root:
    """A root element."""

    name: str  # without prefix
    namespace: str
    namespaces: tuple[str, ...]  # all that the root declares
    declared: bool  # the text begins with an XML declaration


def root_of(head: Head) -> Root | None:
    """The root element of the text; None where it is no XML."""
    text = head.text.lstrip("\ufeff")
    prolog = _PROLOG.match(text)
    root = _ROOT.match(text, prolog.end() if prolog else 0)
    if root is None:
        return None
    prefix, name, attributes = root.groups()
    found = {p or "": double or single for p, double, single in _NAMESPACE.findall(attributes)}
    return Root(name, found.get(prefix or "", ""), tuple(found.values()), text.lstrip().startswith("<?xml"))
