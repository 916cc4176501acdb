"""What an element of an SDMX-ML message says of dimensions and attributes, in each of its forms."""

from __future__ import annotations

from json.encoder import encode_basestring

from finport_ingestion.engine.convert.reading.xml_events import Element, children, local, text_of

_SET_WORDS = (
    "keyFamilyURI datasetID dataProviderSchemeAgencyId dataProviderSchemeId dataProviderID dataflowAgencyID dataflowID "
    "action reportingBeginDate reportingEndDate validFromDate validToDate publicationYear publicationPeriod "
    "structureRef setID dataScope isExternalReference"
)
OF_THE_SET = frozenset(_SET_WORDS.split())  # what is said of a data set and is no attribute of its observations
Values = dict[str, str | None]


class NoName(ValueError):
    """A value of which nothing says what it is."""


def plain_of(element: Element) -> Values:
    """The attributes that have no namespace: in the structure-specific forms, dimensions and attributes."""
    return {name: value for name, value in element.attrib.items() if not name.startswith("{")}


def attribute_of(element: Element, name: str) -> str | None:
    return next((value for key, value in element.attrib.items() if key[key.rfind("}") + 1 :] == name), None)


def named_values(element: Element) -> Values:
    """The `Value` elements of a generic key or of generic attributes, by `id` (2.1) or `concept` (2.0).

    Raises:
        NoName: One of them has neither.
    """
    found: Values = {}
    for value in children(element):
        name = value.get("id") or value.get("concept")
        if name is None:
            raise NoName(f"'{local(value)}' without 'id' or 'concept'")
        found[name] = value.get("value")
    return found


def components_of(element: Element) -> Values:
    """The components of SDMX 3.0 that have several values, or long ones: `Comp` with `Value` in it."""
    found: Values = {}
    for part in children(element):
        if local(part) == "Comp" and part.get("id"):
            texts = [text_of(value) for value in children(part) if local(value) == "Value"]
            listed = "[" + ",".join(encode_basestring(text) for text in texts) + "]"
            found[part.get("id")] = texts[0] if len(texts) == 1 else listed
    return found
