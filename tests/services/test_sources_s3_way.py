"""The way to S3: which addresses, over which TLS, through which proxy, and that nothing else has a say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from finport_ingestion.engine.errors import AccessDenied, AddressRefused, ConfigError
from finport_ingestion.engine.sources.s3 import S3Source
from tests.conformance.sources.access import access, connection
from tests.services.certificates import PrivateCa
from tests.services.object_sources import listed, read, s3_options, s3_source
from tests.services.s3_server import S3Server
from tests.services.versitygw_server import Versitygw
from tests.unit.network.proxies import recording_proxy


def test_this_machine_is_refused_where_nothing_else_is_stated(versitygw: Versitygw, versitygw_bucket: str) -> None:
    source = s3_source(versitygw, versitygw_bucket, protection={"allow_private_network": False})
    with pytest.raises(AddressRefused):
        source.check()
    with pytest.raises(AddressRefused):
        listed(source)


def test_an_endpoint_without_tls_is_refused_where_it_is_not_allowed(versitygw: Versitygw) -> None:
    with pytest.raises(ConfigError, match="without TLS"):
        s3_source(versitygw, "prices", extra={"endpoint_url": f"http://127.0.0.1:{versitygw.port}"})


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:9000", "ftp://127.0.0.1", "https://", "https://us:pw@127.0.0.1", "https://h:port", "https://h/?a=1"],
)
def test_an_endpoint_that_is_none_is_a_mistake(versitygw: Versitygw, url: str) -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        s3_source(versitygw, "prices", extra={"endpoint_url": url})


def test_a_certificate_of_an_unknown_authority_is_not_trusted(versitygw: Versitygw, versitygw_bucket: str) -> None:
    source = s3_source(versitygw, versitygw_bucket, protection={"ca_file": None})
    with pytest.raises(ConfigError, match="certificate is not trusted") as raised:
        source.check()
    assert "ca_file" in (raised.value.hint or "")


def test_variables_of_the_environment_have_no_say(
    versitygw: Versitygw, versitygw_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = {
        "AWS_ALLOW_INVALID_CERTIFICATES": "true",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_PROXY_URL": "http://127.0.0.1:1",
        "AWS_PROXY_EXCLUDES": "*",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_S3_EXPRESS": "true",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "NO_PROXY": "*",
    }
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    s3_source(versitygw, versitygw_bucket).check()
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        s3_source(versitygw, versitygw_bucket, protection={"ca_file": None}).check()
    with pytest.raises(AddressRefused):
        s3_source(versitygw, versitygw_bucket, protection={"allow_private_network": False}).check()


@contextmanager
def handshakes(private_ca: PrivateCa, *identities: str) -> Iterator[int]:
    """The port of a server that shakes hands, for another host name, and says nothing more."""
    context = private_ca.server_context()
    wrong = private_ca.issue("elsewhere", identities=identities)
    context.load_cert_chain(wrong.certificate_path, wrong.key_path)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError), client:
                    client.settimeout(10)
                    context.wrap_socket(client, server_side=True).close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_a_certificate_of_another_host_is_not_accepted(
    versitygw: Versitygw, versitygw_bucket: str, private_ca: PrivateCa
) -> None:
    with (
        handshakes(private_ca, "elsewhere.example.com") as port,
        pytest.raises(ConfigError, match="not valid, or for another host name"),
    ):
        s3_source(versitygw, versitygw_bucket, extra={"endpoint_url": f"https://127.0.0.1:{port}"}).check()


def test_an_authority_that_is_no_file_or_no_certificate_is_a_mistake(
    versitygw: Versitygw, versitygw_bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    for path in (tmp_path / "empty.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(ConfigError, match="prices: "):
            s3_source(versitygw, versitygw_bucket, protection={"ca_file": str(path)}).check()


def test_it_goes_through_the_sources_proxy(versitygw: Versitygw, versitygw_bucket: str) -> None:
    versitygw.client().put_object(Bucket=versitygw_bucket, Key="a.csv", Body=b"by proxy")
    with recording_proxy(towards=("127.0.0.1", versitygw.port)) as proxy:
        source = s3_source(
            versitygw,
            versitygw_bucket,
            protection={"proxy": f"http://us:pw@127.0.0.1:{proxy.port}"},
        )
        assert read(source, listed(source)["a.csv"]) == b"by proxy"
        assert proxy.asked
        assert all(head.startswith(f"CONNECT 127.0.0.1:{versitygw.port} ") for head in proxy.asked)


def test_a_proxy_that_refuses_is_what_is_told(versitygw: Versitygw, versitygw_bucket: str) -> None:
    with recording_proxy(answer="407 Proxy Authentication Required") as proxy:
        source = s3_source(versitygw, versitygw_bucket, protection={"proxy": f"http://127.0.0.1:{proxy.port}"})
        with pytest.raises(AccessDenied, match="the proxy"):
            source.check()


def test_a_bucket_that_is_named_in_the_host_is_found_there(s3_server: S3Server, s3_bucket: str) -> None:
    s3_server.client().put_object(Bucket=s3_bucket, Key="a b.csv", Body=b"virtual")
    # moto knows buckets by the host names of AWS; a proxy leads there.
    with recording_proxy(towards=("127.0.0.1", int(s3_server.endpoint_url.rpartition(":")[2]))) as proxy:
        extra = {"endpoint_url": "http://s3.amazonaws.com", "region_name": s3_server.region}
        source = S3Source(
            s3_options(s3_bucket, addressing="virtual"),
            access(
                connection("aws", login=s3_server.access_key, extra=extra),
                protection={"allow_plaintext": True, "proxy": f"http://127.0.0.1:{proxy.port}"},
            ),
        )
        assert read(source, listed(source)["a b.csv"]) == b"virtual"
        assert {head.split()[1] for head in proxy.asked} == {f"{s3_bucket}.s3.amazonaws.com:80"}
