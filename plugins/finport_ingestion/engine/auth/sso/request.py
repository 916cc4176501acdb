"""A SAML request of our own, for an assertion that no service asked for: to exchange it at a token server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from finport_ingestion.engine.auth.sso.messages import ASSERTION, PROTOCOL, SOAP

if TYPE_CHECKING:
    from lxml.etree import _Element

_BINDINGS = {"ecp": "PAOS", "post": "HTTP-POST"}
_PREFIX = "urn:oasis:names:tc:SAML:2.0:bindings:"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthnRequest:
    """Who asks whom for an assertion, and to which address it is to be made out."""

    id: str
    issuer: str  # the service's entity id
    destination: str
    recipient: str
    binding: str  # "ecp" or "post"
    issued_at: datetime

    @staticmethod
    def new(*, issuer: str, destination: str, recipient: str, binding: str, now: datetime) -> AuthnRequest:
        """One with an id that nobody can guess."""
        return AuthnRequest(
            id=f"_{secrets.token_hex(20)}",
            issuer=issuer,
            destination=destination,
            recipient=recipient,
            binding=binding,
            issued_at=now,
        )

    def xml(self) -> bytes:
        """The request by itself, for the HTTP-POST binding."""
        from lxml import etree

        return bytes(etree.tostring(self._element()))

    def envelope(self) -> bytes:
        """The request in SOAP, for ECP."""
        from lxml import etree

        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"S": SOAP})
        etree.SubElement(envelope, f"{{{SOAP}}}Body").append(self._element())
        return bytes(etree.tostring(envelope))

    def _element(self) -> _Element:
        from lxml import etree

        attributes = {
            "ID": self.id,
            "Version": "2.0",
            "IssueInstant": f"{self.issued_at:%Y-%m-%dT%H:%M:%SZ}",
            "Destination": self.destination,
            "AssertionConsumerServiceURL": self.recipient,
            "ProtocolBinding": _PREFIX + _BINDINGS[self.binding],
        }
        request = etree.Element(f"{{{PROTOCOL}}}AuthnRequest", attributes, nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
        etree.SubElement(request, f"{{{ASSERTION}}}Issuer").text = self.issuer
        return request
