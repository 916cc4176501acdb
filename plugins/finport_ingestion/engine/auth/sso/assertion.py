"""A SAML 2.0 response as far as it can be trusted: what the identity provider signed, for us, now, as we asked.

Nothing is read but what the signature covers, and there is one assertion in the whole document: a signed one that was
moved aside, to make room for another, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

from finport_ingestion.engine.auth.sso.messages import ASSERTION, PROTOCOL, SIGNATURE, parsed, text_of
from finport_ingestion.engine.errors import AccessDenied, ConfigError

if TYPE_CHECKING:
    from lxml.etree import _Element

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a response has to be."""

    what: str  # for messages
    certificates: tuple[str, ...]  # PEM; any of them may have signed
    issuer: str
    audience: str
    recipient: str
    request_id: str
    now: datetime
    skew: timedelta = timedelta(minutes=2)  # by how much clocks may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What was proved."""

    subject: str
    xml: bytes = field(repr=False)  # with its own signature, if it has one
    ends_at: datetime
    session_ends_at: datetime | None = None


def verified(response: bytes, expected: Expected) -> Assertion:
    """The assertion of a response.

    Raises:
        AccessDenied: The login failed, or the response is not what is expected; the message says in what.
        ConfigError: It is encrypted. FormatError: It is no SAML.
    """
    from lxml import etree

    root = parsed(response, what=expected.what)
    _check_shape(root, expected)
    assertion = _signed_assertion(root, expected)
    _check_issuer(assertion, expected)
    ends_at = _check_conditions(assertion, expected)
    _check_subject(assertion, expected)
    session = assertion.find(f"{{{ASSERTION}}}AuthnStatement")
    session_end = session.get("SessionNotOnOrAfter") if session is not None else None
    return Assertion(
        subject=text_of(assertion.find(f"{{{ASSERTION}}}Subject/{{{ASSERTION}}}NameID")),
        xml=etree.tostring(root.find(f"{{{ASSERTION}}}Assertion"), with_tail=False),
        ends_at=ends_at,
        session_ends_at=_moment(session_end, expected) if session_end else None,
    )


def _refuse(expected: Expected, why: str) -> NoReturn:
    raise AccessDenied(f"{expected.what}: the SAML response is refused: {why}.", hint="ask the identity provider")


def _check_shape(root: _Element, expected: Expected) -> None:
    if root.tag != f"{{{PROTOCOL}}}Response":
        _refuse(expected, "it is no Response")
    status = root.find(f"{{{PROTOCOL}}}Status/{{{PROTOCOL}}}StatusCode")
    if status is None or status.get("Value") != _SUCCESS:
        name = str(status.get("Value") if status is not None else "").rpartition(":")[2]
        _refuse(expected, f"its status is {name if name.isalpha() else 'none'}")
    if root.find(f".//{{{ASSERTION}}}EncryptedAssertion") is not None:
        raise ConfigError(
            f"{expected.what}: the assertion is encrypted.", hint="have it signed only; TLS protects it on its way"
        )
    found = list(root.iter(f"{{{ASSERTION}}}Assertion"))
    if len(found) != 1 or found[0].getparent() is not root:
        _refuse(expected, f"it holds {len(found)} assertions, or one in a wrong place")
    names = [str(element.get("ID")) for element in root.iter() if element.get("ID") is not None]
    if len(set(names)) != len(names):
        _refuse(expected, "two of its parts have one ID")
    answered, destination = root.get("InResponseTo"), root.get("Destination")
    if answered is not None and answered != expected.request_id:
        _refuse(expected, "it answers another request (InResponseTo)")
    if destination is not None and destination != expected.recipient:
        _refuse(expected, "it is meant for another address (Destination)")


def _signed_assertion(root: _Element, expected: Expected) -> _Element:
    """The assertion as it was signed, itself or as part of the response."""
    places = {"./": root, f"./{{{ASSERTION}}}Assertion/": root.find(f"{{{ASSERTION}}}Assertion")}
    for location, signed in places.items():
        if signed is None or signed.find(f"{{{SIGNATURE}}}Signature") is None:
            continue
        covered = _covered(root, location, expected)
        if covered.tag != signed.tag or covered.get("ID") != signed.get("ID"):
            _refuse(expected, "its signature covers something else")
        found = covered if location != "./" else covered.find(f"{{{ASSERTION}}}Assertion")
        if found is not None:
            return found
    _refuse(expected, "it is not signed")


def _covered(root: _Element, location: str, expected: Expected) -> _Element:
    """What a signature covers, by the first certificate that fits."""
    from lxml import etree
    from signxml.exceptions import InvalidCertificate, SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    demands = SignatureConfiguration(location=location, expect_references=1, verification_time=expected.now)
    content, why = etree.tostring(root), "its signature is not the identity provider's, or it was altered"
    for certificate in expected.certificates:
        try:
            result = XMLVerifier().verify(content, x509_cert=certificate, expect_config=demands)
        except InvalidCertificate:
            why = "the identity provider's certificate is not valid at this time; compare the clocks"
            continue
        except (SignXMLException, ValueError, etree.XMLSyntaxError):
            continue
        found = result.signed_xml if not isinstance(result, list) else None
        if found is not None:
            return found
    _refuse(expected, why)


def _check_issuer(assertion: _Element, expected: Expected) -> None:
    if text_of(assertion.find(f"{{{ASSERTION}}}Issuer")) != expected.issuer:
        _refuse(expected, "it is of another issuer")


def _check_conditions(assertion: _Element, expected: Expected) -> datetime:
    """When the assertion ends."""
    conditions = assertion.find(f"{{{ASSERTION}}}Conditions")
    if conditions is None or conditions.get("NotOnOrAfter") is None:
        _refuse(expected, "it does not say until when it holds (Conditions)")
    begins, ends = conditions.get("NotBefore"), _moment(str(conditions.get("NotOnOrAfter")), expected)
    if begins is not None and _moment(begins, expected) > expected.now + expected.skew:
        _refuse(expected, "it does not hold yet; compare the clocks")
    if ends <= expected.now - expected.skew:
        _refuse(expected, "it holds no more; compare the clocks")
    # Each restriction must be met; one that names nobody is met by nobody.
    restrictions = conditions.findall(f"{{{ASSERTION}}}AudienceRestriction")
    audiences = [[text_of(name) for name in one.findall(f"{{{ASSERTION}}}Audience")] for one in restrictions]
    if not audiences or not all(expected.audience in names for names in audiences):
        _refuse(expected, "it is meant for another service (Audience)")
    return ends


def _check_subject(assertion: _Element, expected: Expected) -> None:
    path = f"{{{ASSERTION}}}Subject/{{{ASSERTION}}}SubjectConfirmation"
    reasons = [_against(found, expected) for found in assertion.findall(path) if found.get("Method") == _BEARER]
    if not reasons or all(reasons):
        _refuse(expected, next((reason for reason in reasons if reason), "it confirms no bearer"))


def _against(confirmation: _Element, expected: Expected) -> str | None:
    """What speaks against a confirmation, if anything does."""
    facts = confirmation.find(f"{{{ASSERTION}}}SubjectConfirmationData")
    if facts is None or facts.get("NotOnOrAfter") is None:
        return "its confirmation has no end"
    if facts.get("Recipient") != expected.recipient:
        return "it is meant for another address (Recipient)"
    if facts.get("InResponseTo") != expected.request_id:
        return "it answers another request (InResponseTo)"
    if facts.get("NotBefore") is not None:
        return "its confirmation has a beginning, which SAML forbids"
    ended = _moment(str(facts.get("NotOnOrAfter")), expected) <= expected.now - expected.skew
    return "its confirmation has ended; compare the clocks" if ended else None


def _moment(text: str, expected: Expected) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse(expected, "one of its times is none")
    if moment.tzinfo is None:
        _refuse(expected, "one of its times has no zone")
    return moment
