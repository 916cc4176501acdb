"""The sheets of an Office Open XML workbook (XLSX, XLSM, XLSB): their names, states and parts in the package."""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from finport_ingestion.engine.convert.reading.office_zip import Package, damaged

_BUNDLED_SHEET = 156
_STATES = ("visible", "hidden", "veryHidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """A sheet as the workbook lists it."""

    name: str
    part: str  # its name in the package
    hidden: bool
    left_out: str = ""  # what it is, if no worksheet


def sheet_parts(package: Package) -> list[SheetPart]:
    """The sheets in the workbook's order.

    Raises:
        FormatError: The package holds no workbook.
    """
    workbook = _workbook_part(package)
    targets = _relations(package, workbook)
    listed = _from_binary(package, workbook) if workbook.endswith(".bin") else _from_xml(package, workbook)
    return [
        SheetPart(
            name=name,
            part=targets[relation][1] if relation in targets else "",
            hidden=state != "visible",
            left_out=_kind(targets[relation][0]) if relation in targets else "nothing: the package has no such part",
        )
        for name, state, relation in listed
    ]


def _kind(relation: str) -> str:
    kinds = {"chartsheet": "a chart", "dialogsheet": "a dialog", "xlMacrosheet": "macros", "xlIntlMacrosheet": "macros"}
    return kinds.get(relation.rpartition("/")[2], "")


def _workbook_part(package: Package) -> str:
    found = [part for kind, part in _relations(package, "").values() if kind.endswith("/officeDocument")]
    known = [*found, "xl/workbook.xml", "xl/workbook.bin"]
    part = next((name for name in known if package.has(name)), None)
    if part is None:
        raise damaged(package.raw, "the package holds no workbook")
    return part


def _relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Kind and part by the id that `part` uses for it; what lies outside of the package is left out."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if not package.has(path):
        return {}
    found = {}
    for tag, attributes in _elements(package, path):
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            found[attributes.get("Id", "")] = (attributes.get("Type", ""), target.lstrip("/"))
    return found


def _from_xml(package: Package, part: str) -> list[tuple[str, str, str]]:
    listed = []
    for tag, attributes in _elements(package, part):
        if tag == "sheet":
            listed.append((attributes.get("name", ""), attributes.get("state", "visible"), attributes.get("id", "")))
    return listed


def _from_binary(package: Package, part: str) -> list[tuple[str, str, str]]:
    from finport_ingestion.engine.convert.reading.biff_faults import xlsb_record

    content = package.read(part)
    listed, at = [], 0
    try:
        while at < len(content):
            kind, size, at = xlsb_record(content, at)
            if kind == _BUNDLED_SHEET:
                state, _, length = struct.unpack_from("<III", content, at)
                relation = content[at + 12 : at + 12 + 2 * length].decode("utf-16-le")
                after = at + 12 + 2 * length
                (length,) = struct.unpack_from("<I", content, after)
                name = content[after + 4 : after + 4 + 2 * length].decode("utf-16-le")
                listed.append((name, _STATES[min(state, 2)], relation))
            at += size
    except (ValueError, struct.error) as error:
        raise damaged(package.raw, f"its part '{part}' is damaged") from error
    return listed


def _elements(package: Package, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Local name and attributes (by local name) of each element; entities are not followed."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(package.read(part), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise damaged(package.raw, f"its part '{part}' is no XML") from error
    for element in root.iter():
        if isinstance(element.tag, str):
            attributes = {etree.QName(str(name)).localname: str(value) for name, value in element.attrib.items()}
            yield etree.QName(element).localname, attributes
