"""S3 on bad days: credentials, addresses, TLS, services that are busy, connections that break."""

from __future__ import annotations

import dataclasses
import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import Access, Span
from finport_ingestion.engine.sources.s3 import S3Source
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, access
from tests.services.haproxy_server import HaproxyServers
from tests.services.object_sources import listed, read, s3_access, s3_options, s3_source
from tests.services.toxiproxy_server import Toxiproxy
from tests.services.versitygw_server import Versitygw
from tests.services.web import WebServer
from tests.services.web_replies import Answer

CONTENT = random.Random(2).randbytes(4 << 20)


def at(server: Versitygw, bucket: str, port: int, **stated: Any) -> S3Source:
    """The bucket by another port of this machine."""
    return s3_source(server, bucket, extra={"endpoint_url": f"https://127.0.0.1:{port}"}, **stated)


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"secret": "mistyped"}, AccessDenied, "the signature does not match"),
        ({"login": "nobody"}, AccessDenied, "the access key is not known"),
        ({"extra": {"aws_session_token": "mistyped"}}, AccessDenied, "the session token is not accepted"),
        ({"extra": {"region_name": "eu-west-1"}}, ConfigError, "in another region"),
    ],
)
def test_what_is_wrong_with_the_connection_is_told(
    versitygw: Versitygw, versitygw_bucket: str, fields: dict[str, Any], kind: type[FinportError], says: str
) -> None:
    with pytest.raises(kind, match=says) as raised:
        s3_source(versitygw, versitygw_bucket, **fields).check()
    assert "connection 'planted'" in (raised.value.hint or "")


def test_a_bucket_that_is_not_there_is_no_empty_one(versitygw: Versitygw) -> None:
    with pytest.raises(SourceItemMissing, match="there is no such bucket"):
        listed(s3_source(versitygw, "no-such-bucket"))


def test_a_bucket_that_goes_while_it_is_read_is_missed(versitygw: Versitygw, versitygw_bucket: str) -> None:
    client = versitygw.client()
    client.put_object(Bucket=versitygw_bucket, Key="a.csv", Body=b"x")
    source = s3_source(versitygw, versitygw_bucket)
    item = listed(source)["a.csv"]
    client.delete_object(Bucket=versitygw_bucket, Key="a.csv")
    client.delete_bucket(Bucket=versitygw_bucket)
    with pytest.raises(SourceItemMissing, match="bucket"):
        read(source, item)


@pytest.mark.parametrize(
    ("extra", "names"), [({"role_arn": "arn:aws:iam::1:role/x"}, "role_arn"), ({"profile_name": "x"}, "profile_name")]
)
def test_a_way_to_log_in_that_is_not_supported_is_not_passed_over(
    versitygw: Versitygw, extra: dict[str, str], names: str
) -> None:
    with pytest.raises(ConfigError, match=names):
        s3_source(versitygw, "prices", extra=extra)


def test_without_keys_nothing_is_asked_for_in_anybody_elses_name(
    versitygw: Versitygw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", versitygw.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", versitygw.secret_key)
    with pytest.raises(ConfigError, match="has no keys"):
        s3_source(versitygw, "prices", secret=None)
    with pytest.raises(ConfigError, match="needs a connection"):
        S3Source(s3_options("prices"), access(None))


def test_a_secret_that_was_rotated_is_taken_up_after_a_failure(versitygw: Versitygw, versitygw_bucket: str) -> None:
    made = s3_access(versitygw)
    renewed = made.connection
    assert renewed
    outdated = dataclasses.replace(renewed, secret=lambda: "outdated", read=lambda: renewed)
    source = S3Source(s3_options(versitygw_bucket), dataclasses.replace(made, connection=outdated))
    with pytest.raises(AccessDenied):
        source.check()
    source.check()


def test_a_source_that_lives_on_reads_its_connection_again(versitygw: Versitygw, versitygw_bucket: str) -> None:
    made, read_again = s3_access(versitygw), []
    spec = made.connection
    assert spec

    def again() -> ConnectionSpec:
        read_again.append("again")
        return spec

    # By a clock that is behind, keys end so soon that obstore asks for them with each request.
    clock = ManualClock(datetime.now(UTC) - timedelta(minutes=6))
    living = dataclasses.replace(
        made,
        connection=dataclasses.replace(spec, read=again),
        deadline=Deadline.after(3600, clock=clock),
    )
    source = S3Source(s3_options(versitygw_bucket), living)
    source.check()
    assert read_again == []
    clock.sleep(300)
    time.sleep(0.2)  # obstore does not ask twice within a tenth of a second
    source.check()
    assert read_again == ["again"]


def test_a_public_bucket_is_read_without_credentials(versitygw: Versitygw, versitygw_bucket: str) -> None:
    client = versitygw.client()
    client.put_object(Bucket=versitygw_bucket, Key="a.csv", Body=b"public")
    anonymous = s3_source(versitygw, versitygw_bucket, options={"anonymous": True}, login=None, secret=None)
    with pytest.raises(AccessDenied):
        anonymous.check()
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{versitygw_bucket}", f"arn:aws:s3:::{versitygw_bucket}/*"],
    }
    client.put_bucket_policy(
        Bucket=versitygw_bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    assert read(anonymous, listed(anonymous)["a.csv"]) == b"public"


BUSY = "content-type application/xml string <Error><Code>SlowDown</Code></Error>"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (f"http-request return status 503 {BUSY}", RateLimited),
        ("http-request return status 429", RateLimited),
        ("http-request return status 503", SourceUnavailable),
        ("http-request return status 500", SourceUnavailable),
        ("http-request silent-drop", SourceUnavailable),
    ],
)
def test_a_service_that_is_busy_is_tried_again_later(
    versitygw: Versitygw,
    versitygw_bucket: str,
    haproxy_servers: HaproxyServers,
    fault: str,
    kind: type[FinportError],
) -> None:
    with haproxy_servers.before(versitygw.port, fault) as proxy:
        extra = {"endpoint_url": proxy.url()}
        made = s3_access(versitygw, extra=extra)
        source = S3Source(s3_options(versitygw_bucket), _patient(made, seconds=1))
        with pytest.raises(kind):
            source.check()


def test_a_service_that_recovers_at_once_is_not_even_told(
    versitygw: Versitygw, versitygw_bucket: str, haproxy_servers: HaproxyServers
) -> None:
    faults = (
        "stick-table type integer size 1 expire 60s store http_req_cnt",
        "http-request track-sc0 int(1)",
        "http-request return status 500 if { sc_http_req_cnt(0) le 2 }",
    )
    with haproxy_servers.before(versitygw.port, *faults) as proxy:
        at(versitygw, versitygw_bucket, proxy.port).check()


def take(source: S3Source, item: SourceItem, received: bytearray) -> None:
    """Add to `received` what comes."""
    for delivery in source.open(item):
        while piece := delivery.stream.read(1 << 16):
            received += piece


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    versitygw: Versitygw, versitygw_bucket: str, toxiproxy: Toxiproxy
) -> None:
    versitygw.client().put_object(Bucket=versitygw_bucket, Key="big.bin", Body=CONTENT)
    with toxiproxy.before(versitygw.port) as toxics:
        source = at(versitygw, versitygw_bucket, toxics.port, options={"checksums": False})
        item = listed(source)["big.bin"]
        toxics.add("limit_data", bytes=1 << 20)
        received = bytearray()
        with pytest.raises(SourceUnavailable):
            take(source, item, received)
        assert 0 < len(received) < len(CONTENT)
        assert received == CONTENT[: len(received)]
        toxics.heal()
        assert bytes(received) + read(source, item, Span(len(received))) == CONTENT


def test_a_service_that_falls_silent_is_not_waited_for_without_end(
    versitygw: Versitygw, versitygw_bucket: str, toxiproxy: Toxiproxy
) -> None:
    versitygw.client().put_object(Bucket=versitygw_bucket, Key="big.bin", Body=CONTENT)
    with toxiproxy.before(versitygw.port) as toxics:
        made = s3_access(versitygw, extra={"endpoint_url": f"https://127.0.0.1:{toxics.port}"})
        source = S3Source(s3_options(versitygw_bucket, checksums=False), _patient(made, seconds=1))
        item = listed(source)["big.bin"]
        toxics.add("bandwidth", rate=0)
        with pytest.raises(SourceUnavailable):
            read(source, item)


ANSWERS: tuple[tuple[int, str, type[FinportError]], ...] = (
    (400, "ExpiredToken", AccessDenied),
    (403, "RequestTimeTooSkewed", AccessDenied),
    (403, "AccessDenied", AccessDenied),
    (401, "Unauthorized", AccessDenied),
    (403, "InvalidObjectState", PermanentError),
    (301, "PermanentRedirect", ConfigError),
    (400, "SomethingNew", ConfigError),
    (404, "NoSuchKey", SourceItemMissing),
)


@pytest.mark.parametrize(("status", "code", "kind"), ANSWERS)
def test_an_answer_that_no_server_here_gives_has_its_meaning_all_the_same(
    versitygw: Versitygw, web_server: WebServer, status: int, code: str, kind: type[FinportError]
) -> None:
    text = f"<Error><Code>{code}</Code><Message>{PLANTED_SECRET}</Message></Error>"
    web_server.add("/*", Answer(text.encode(), status=status))
    with pytest.raises(kind) as raised:
        at(versitygw, "prices", web_server.port).check()
    assert type(raised.value) is kind
    assert PLANTED_SECRET not in str(raised.value)


def _patient(made: Access, *, seconds: float) -> Access:
    return dataclasses.replace(made, request_timeout_seconds=seconds)
