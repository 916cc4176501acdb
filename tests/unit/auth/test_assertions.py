"""SAML responses that are refused: of others, for others, of another time, altered, and wrapped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from finport_ingestion.engine.auth.sso.assertion import verified
from finport_ingestion.engine.errors import AccessDenied, ConfigError, FormatError
from tests.unit.auth.saml_responses import NOW, Facts, Provider, expected


@pytest.fixture(scope="module")
def provider() -> Provider:
    """Who is trusted."""
    return Provider()


def response(provider: Provider, **facts: Any) -> bytes:
    """A response whose assertion is signed."""
    stated = Facts(**facts)
    return stated.around(provider.signed(stated.assertion())).encode()


def test_a_signed_assertion_is_accepted(provider: Provider) -> None:
    found = verified(response(provider), expected(provider))
    assert (found.subject, found.ends_at) == ("alice", NOW + timedelta(minutes=5))
    assert b">alice<" in found.xml


def test_a_signed_response_covers_its_assertion(provider: Provider) -> None:
    facts = Facts()
    unsigned = facts.assertion().replace('<ds:Signature Id="placeholder"/>', "")
    whole = facts.around(unsigned, signature='<ds:Signature Id="placeholder"/>')
    assert verified(provider.signed(whole).encode(), expected(provider)).subject == "alice"


def test_either_of_two_certificates_may_have_signed_while_the_provider_changes_its_key(provider: Provider) -> None:
    assert verified(response(provider), expected(Provider(), provider)).subject == "alice"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"issuer": "https://another.test"}, "of another issuer"),
        ({"recipient": "https://another.test/acs"}, "Destination"),
        ({"recipient": "https://another.test/acs", "response": {"Destination": "https://sp.test/acs"}}, "Recipient"),
        ({"answers": "_another"}, "InResponseTo"),
        ({"answers": "_another", "response": {"InResponseTo": "_request"}}, "InResponseTo"),
        ({"audience": ""}, "Audience"),
        ({"audience": "<saml:AudienceRestriction/>"}, "Audience"),
        (
            {"audience": Facts().audience + Facts().audience.replace("https://sp.test", "https://another.test")},
            "Audience",
        ),
        ({"ends_at": NOW - timedelta(minutes=3)}, "holds no more"),
        ({"not_before": NOW + timedelta(minutes=3)}, "does not hold yet"),
        ({"confirmed_until": NOW - timedelta(minutes=3)}, "confirmation has ended"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, "confirms no bearer"),
        ({"conditions": ""}, "until when"),
        ({"status": "Requester"}, "status is Requester"),
    ],
)
def test_what_is_signed_but_not_for_us_here_and_now_is_refused(
    provider: Provider, facts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(AccessDenied, match=f"refused: .*{reason}"):
        verified(response(provider, **facts), expected(provider))


@pytest.mark.parametrize("minutes", [-1, 1])
def test_clocks_may_differ_a_little(provider: Provider, minutes: int) -> None:
    moved = timedelta(minutes=minutes)
    facts = {"not_before": NOW + moved, "ends_at": NOW + moved + timedelta(seconds=1), "confirmed_until": NOW + moved}
    assert verified(response(provider, **facts), expected(provider)).subject == "alice"


def test_an_altered_assertion_is_refused(provider: Provider) -> None:
    with pytest.raises(AccessDenied, match="altered"):
        verified(response(provider).replace(b">alice<", b">admin<"), expected(provider))


def test_a_comment_does_not_cut_a_name(provider: Provider) -> None:
    cut = response(provider, subject="alice@client.test.evil.test").replace(b".evil.test<", b"<!---->.evil.test<")
    assert verified(cut, expected(provider)).subject == "alice@client.test.evil.test"


def test_a_strangers_signature_is_refused(provider: Provider) -> None:
    with pytest.raises(AccessDenied, match="not the identity provider's"):
        verified(response(Provider()), expected(provider))


def test_a_signature_by_sha1_is_refused(provider: Provider) -> None:
    from signxml import algorithms

    facts = Facts()
    strong = provider.signed(facts.assertion())
    weak = strong.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")
    assert algorithms.SignatureMethod.RSA_SHA1.value in weak
    with pytest.raises(AccessDenied, match="refused"):
        verified(facts.around(weak).encode(), expected(provider))


def test_an_unsigned_assertion_is_refused(provider: Provider) -> None:
    facts = Facts()
    unsigned = facts.assertion().replace('<ds:Signature Id="placeholder"/>', "")
    with pytest.raises(AccessDenied, match="not signed"):
        verified(facts.around(unsigned).encode(), expected(provider))


def _evil() -> str:
    facts = Facts(assertion_id="_evil", subject="admin")
    return facts.assertion().replace('<ds:Signature Id="placeholder"/>', "")


def _around(provider: Provider, make: str) -> bytes:
    """The shapes in which a signed assertion is moved aside to make room for another one (XSW)."""
    good, facts = provider.signed(Facts().assertion()), Facts()
    signature = good[good.index("<ds:Signature") : good.index("</ds:Signature>") + len("</ds:Signature>")]
    bare = good.replace(signature, "")
    with_signature = _evil().replace("</saml:Issuer>", f"</saml:Issuer>{signature}")
    shapes = {
        "evil first": _evil() + good,
        "evil last": good + _evil(),
        "good inside evil": _evil().replace("</saml:Assertion>", f"{good}</saml:Assertion>"),
        "good inside the signature of evil": with_signature.replace(
            "</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>"
        ),
        "good in an extension": f"<samlp:Extensions>{good}</samlp:Extensions>{_evil()}",
        "evil under the good one's id": with_signature.replace('ID="_evil"', 'ID="_a1"')
        + f"<samlp:Extensions>{bare}</samlp:Extensions>",
    }
    return facts.around(shapes[make]).encode()


@pytest.mark.parametrize(
    "shape",
    [
        "evil first",
        "evil last",
        "good inside evil",
        "good inside the signature of evil",
        "good in an extension",
        "evil under the good one's id",
    ],
)
def test_a_wrapped_assertion_is_refused(provider: Provider, shape: str) -> None:
    with pytest.raises(AccessDenied, match="refused"):
        verified(_around(provider, shape), expected(provider))


def test_a_response_wrapped_in_another_is_refused(provider: Provider) -> None:
    inner = response(provider).decode()
    outer = Facts().around(_evil().replace("</saml:Assertion>", f"{inner}</saml:Assertion>"))
    with pytest.raises(AccessDenied, match="refused"):
        verified(outer.encode(), expected(provider))


def test_an_encrypted_assertion_is_said_to_be_one(provider: Provider) -> None:
    with pytest.raises(ConfigError, match="encrypted"):
        verified(Facts().around("<saml:EncryptedAssertion/>").encode(), expected(provider))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_plain_xml_is_a_format_error(provider: Provider, content: bytes) -> None:
    with pytest.raises(FormatError):
        verified(content, expected(provider))


def test_another_document_is_no_response(provider: Provider) -> None:
    with pytest.raises(AccessDenied, match="it is no Response"):
        verified(provider.signed(Facts().assertion()).encode(), expected(provider))
