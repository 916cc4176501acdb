"""AWS signatures, checked by moto, which knows the keys: right, wrong, and of requests that were altered."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from finport_ingestion.engine.auth.interface import Request
from tests.conformance.auth.user import Place, Rotating
from tests.conformance.sources.access import connection
from tests.services.plugin import StartService
from tests.services.s3_server import SERVICE, S3Server

pytestmark = pytest.mark.timeout(290)
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
S3 = {"method": "aws_sigv4", "service": "s3", "region": "eu-central-1"}


class Checked:
    """A server that checks signatures, and the keys of its one user."""

    def __init__(self, server: S3Server) -> None:
        iam = server.client("iam")
        iam.create_user(UserName="finport")
        iam.put_user_policy(UserName="finport", PolicyName="all", PolicyDocument=json.dumps(ALL))
        found = iam.create_access_key(UserName="finport")["AccessKey"]
        self.url = server.endpoint_url
        self.key, self.secret = found["AccessKeyId"], found["SecretAccessKey"]


@pytest.fixture
def checked(own_service: StartService, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """moto that lets three calls through, and then wants them signed."""
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "3")
    return Checked(own_service(SERVICE))


@pytest.fixture
def place() -> Place:
    """moto speaks no TLS."""
    return Place(protection={"allow_plaintext": True})


def spec(checked: Checked, **changes: Any) -> Any:
    return connection("aws", **{"login": checked.key, "secret": checked.secret, **changes})


def test_signed_requests_are_accepted(checked: Checked, place: Place) -> None:
    user = place.user(spec(checked), S3)
    region = b"<LocationConstraint>eu-central-1</LocationConstraint>"
    wanted = b"<CreateBucketConfiguration>%s</CreateBucketConfiguration>" % region
    assert user.ask(f"{checked.url}/prices", method="PUT", body=wanted).status == HTTPStatus.OK
    body = b"isin,close\n"
    assert user.ask(f"{checked.url}/prices/2024/a+b%20c.csv", method="PUT", body=body).status == HTTPStatus.OK
    assert user.ask(f"{checked.url}/prices/2024/a+b%20c.csv").body == body
    listed = user.ask(f"{checked.url}/prices?list-type=2&prefix=2024%2Fa%2Bb&delimiter=%2F")
    assert b"<KeyCount>1</KeyCount>" in listed.body


def test_another_service_is_signed_as_its_own(checked: Checked, place: Place) -> None:
    user = place.user(spec(checked), {"method": "aws_sigv4", "service": "sts", "region": "us-east-1"})
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    reply = user.ask(f"{checked.url}/", method="POST", body=b"Action=GetCallerIdentity&Version=2011-06-15", **form)
    assert (reply.status, b"user/finport" in reply.body) == (HTTPStatus.OK, True)


@pytest.mark.parametrize("changes", [{"secret": "wr0ng"}, {"login": "AKIAWRONGWRONGWRONG0"}])
def test_wrong_keys_are_refused(checked: Checked, place: Place, changes: dict[str, str]) -> None:
    reply = place.user(spec(checked, **changes), S3).ask(f"{checked.url}/")
    assert reply.status == HTTPStatus.FORBIDDEN


def test_a_rotated_key_is_read_once_more(checked: Checked, place: Place) -> None:
    rotating = Rotating("aws", login=checked.key, secret="wr0ng")
    user = place.user(rotating.spec(), S3)
    assert user.ask(f"{checked.url}/").status == HTTPStatus.FORBIDDEN
    rotating.set(secret=checked.secret)
    # As after a 401, which AWS does not give: its refusals are 403.
    assert user.signer.renew(Request(method="GET", url=checked.url))
    assert user.ask(f"{checked.url}/").status == HTTPStatus.OK


def test_a_session_token_goes_with_the_request(place: Place, checked: Checked) -> None:
    user = place.user(spec(checked, extra={"aws_session_token": "the-token"}), S3)
    signed = user.signer.signed(Request(method="GET", url=f"{checked.url}/"))
    assert signed.headers["X-Amz-Security-Token"] == "the-token"
    assert "x-amz-security-token" in signed.headers["Authorization"]
