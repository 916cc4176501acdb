"""A bucket of fake-gcs-server, over TLS: three objects below a prefix, and one beside them.

That server checks no credentials: a refusal comes from our own web server, in the words of Google's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.gcs import GcsSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.gcs_server import GcsServer
from tests.services.process import free_port
from tests.services.web import WebServer
from tests.services.web_replies import Answer

REFUSAL = b"<?xml version='1.0'?><Error><Code>AuthenticationRequired</Code><Message>Not you.</Message></Error>"


class Bucket:
    """See the module."""

    def __init__(self, server: GcsServer, bucket: str, refusing: WebServer) -> None:
        self._server = server
        self._bucket = bucket
        self._refusing = refusing
        refusing.add("/*", Answer(REFUSAL, status=401))
        for name in ("b.csv", "a.csv", "deep/c.csv"):
            self._put(f"daily/{name}", f"name\n{name}\n" * 1000)
        self._put("dailies/d.csv", "not below the prefix\n")

    def source(self) -> AnySource:
        return self._at(self._server.endpoint_url)

    def change(self, item: SourceItem) -> None:
        self._put(f"daily/{item.id}", f"name\n{item.id}\nlate\n")

    def remove(self, item: SourceItem) -> None:
        self._server.client().bucket(self._bucket).blob(f"daily/{item.id}").delete()

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(f"https://127.0.0.1:{free_port()}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._at(self._refusing.url())

    def _put(self, name: str, content: str) -> None:
        self._server.client().bucket(self._bucket).blob(name).upload_from_string(content.encode())

    def _at(self, url: str) -> AnySource:
        options = {"protocol": "gcs", "bucket": self._bucket, "path": "daily", "pattern": "**/*.csv"}
        extra = {"endpoint_url": url, "keyfile_dict": account_key(), "ca_file": str(self._server.ca_path)}
        spec = connection("google_cloud_platform", secret=None, extra=extra)
        return GcsSource(GcsSource.Options.model_validate(options), access(spec))


@cache
def account_key() -> dict[str, str]:
    """The key of a service account that nobody knows."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "client_email": "reader@finport-tests.iam.gserviceaccount.com",
        "private_key": private.decode(),
        "private_key_id": PLANTED_SECRET,
    }


def system(request: pytest.FixtureRequest) -> Bucket:
    """A bucket of its own."""
    server, bucket = request.getfixturevalue("gcs_server"), request.getfixturevalue("gcs_bucket")
    return Bucket(server, bucket, request.getfixturevalue("web_server"))
