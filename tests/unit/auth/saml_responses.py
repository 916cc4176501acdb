"""An identity provider of our own that signs whatever a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.signer import XMLSigner

from finport_ingestion.engine.auth.sso.assertion import Expected

if TYPE_CHECKING:
    from lxml.etree import _Element

NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
NAMESPACES = (
    'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)


class Provider:
    """A key and its certificate, valid for a year around NOW."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp")])
        made = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=180))
            .not_valid_after(NOW + timedelta(days=180))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = made.public_bytes(serialization.Encoding.PEM).decode()

    def signed(self, xml: str, *, algorithm: str = "rsa-sha256") -> str:
        """`xml` with an enveloped signature over its root, by ID, where its placeholder stands."""
        pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key = self._key.private_bytes(pem, kind, serialization.NoEncryption())
        root: _Element = etree.fromstring(xml)
        signer = XMLSigner(signature_algorithm=algorithm, c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
        signed = signer.sign(root, key=key, cert=self.certificate, reference_uri=f"#{root.get('ID')}")
        return etree.tostring(signed).decode()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a response says; as it should be, by default."""

    assertion_id: str = "_a1"
    subject: str = "alice"
    issuer: str = "https://idp.test"
    audience: str = (
        "<saml:AudienceRestriction><saml:Audience>https://sp.test</saml:Audience></saml:AudienceRestriction>"
    )
    recipient: str = "https://sp.test/acs"
    answers: str = "_request"
    not_before: datetime = NOW - timedelta(minutes=1)
    ends_at: datetime = NOW + timedelta(minutes=5)
    confirmed_until: datetime = NOW + timedelta(minutes=5)
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    conditions: str | None = None
    response: dict[str, str] = field(default_factory=dict)
    status: str = "Success"

    def assertion(self) -> str:
        """The assertion, unsigned."""
        stated = f'NotBefore="{_text(self.not_before)}" NotOnOrAfter="{_text(self.ends_at)}"'
        conditions = f"<saml:Conditions {stated}>{self.audience}</saml:Conditions>"
        return (
            f'<saml:Assertion {NAMESPACES} ID="{self.assertion_id}" Version="2.0" IssueInstant="{_text(NOW)}">'
            f'<saml:Issuer>{self.issuer}</saml:Issuer><ds:Signature Id="placeholder"/>'
            f'<saml:Subject><saml:NameID>{self.subject}</saml:NameID><saml:SubjectConfirmation Method="{self.method}">'
            f'<saml:SubjectConfirmationData Recipient="{self.recipient}" InResponseTo="{self.answers}"'
            f' NotOnOrAfter="{_text(self.confirmed_until)}"/></saml:SubjectConfirmation></saml:Subject>'
            f"{conditions if self.conditions is None else self.conditions}</saml:Assertion>"
        )

    def around(self, content: str, *, signature: str = "") -> str:
        """A response with this in it."""
        attributes = {"Destination": self.recipient, "InResponseTo": self.answers, **self.response}
        stated = " ".join(f'{name}="{value}"' for name, value in attributes.items())
        return (
            f'<samlp:Response {NAMESPACES} ID="_r1" Version="2.0" IssueInstant="{_text(NOW)}" {stated}>'
            f"<saml:Issuer>{self.issuer}</saml:Issuer>{signature}<samlp:Status><samlp:StatusCode"
            f' Value="urn:oasis:names:tc:SAML:2.0:status:{self.status}"/></samlp:Status>{content}</samlp:Response>'
        )


def expected(*providers: Provider) -> Expected:
    """What `Facts` are, as they are by default."""
    return Expected(
        what="prices: POST /acs (login) at sp.test",
        certificates=tuple(provider.certificate for provider in providers),
        issuer="https://idp.test",
        audience="https://sp.test",
        recipient="https://sp.test/acs",
        request_id="_request",
        now=NOW,
    )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
