"""SAML messages as XML, read with nothing that reaches outside of them."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import FormatError

if TYPE_CHECKING:
    from lxml.etree import _Element

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_MOST_BYTES = 4 * 1024**2


def parsed(content: bytes, *, what: str) -> _Element:
    """The root of a document without a DTD.

    Raises:
        FormatError: It is no XML, has a DTD, or is larger than any answer of its kind.
    """
    from lxml import etree

    if len(content) > _MOST_BYTES:
        raise FormatError(f"{what}: the XML is larger than {_MOST_BYTES} bytes.", hint="ask the identity provider")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise FormatError(f"{what}: this is no XML.", hint="ask the identity provider") from None
    if root.getroottree().docinfo.doctype:
        raise FormatError(f"{what}: XML with a DTD is not accepted.", hint="ask the identity provider")
    return root


def decoded(text: str, *, deflated: bool, what: str) -> bytes:
    """A SAML message out of a form or a query.

    Raises:
        FormatError: It is not encoded as the binding demands.
    """
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        if not deflated:
            return content
        inflated = zlib.decompressobj(-15)
        return inflated.decompress(content, _MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise FormatError(f"{what}: the SAML message is not encoded as it should.", hint="ask the provider") from None


def text_of(element: _Element | None) -> str:
    """All text of an element; empty where there is none."""
    return "".join(str(piece) for piece in element.itertext()).strip() if element is not None else ""
