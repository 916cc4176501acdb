"""A container of Azurite, over TLS: three blobs below a prefix, and one beside them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.azure_blob import AzureBlobSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.azurite_server import Azurite
from tests.services.process import free_port


class Container:
    """See the module."""

    def __init__(self, server: Azurite, container: str) -> None:
        self._server = server
        self._container = container
        for name in ("b.csv", "a.csv", "deep/c.csv"):
            self._put(f"daily/{name}", f"name\n{name}\n" * 1000)
        self._put("dailies/d.csv", "not below the prefix\n")

    def source(self) -> AnySource:
        return self._at(self._server.account_url)

    def change(self, item: SourceItem) -> None:
        self._put(f"daily/{item.id}", f"name\n{item.id}\nlate\n")

    def remove(self, item: SourceItem) -> None:
        with self._server.service() as service:
            service.get_blob_client(self._container, f"daily/{item.id}").delete_blob()

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(f"https://127.0.0.1:{free_port()}/{self._server.account}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        mistyped = base64.b64encode(f"{PLANTED_SECRET}, mistyped".encode()).decode()
        yield self._at(self._server.account_url, secret=mistyped)

    def _put(self, name: str, content: str) -> None:
        with self._server.service() as service:
            service.get_blob_client(self._container, name).upload_blob(content.encode(), overwrite=True)

    def _at(self, url: str, **fields: Any) -> AnySource:
        options = {"protocol": "azure_blob", "container": self._container, "path": "daily", "pattern": "**/*.csv"}
        stated = {
            "login": self._server.account,
            "host": url,
            "secret": self._server.account_key,
            "extra": {"ca_file": str(self._server.ca_path)},
        }
        spec = connection("wasb", **{**stated, **fields})
        return AzureBlobSource(AzureBlobSource.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Container:
    """A container of its own."""
    return Container(request.getfixturevalue("azurite"), request.getfixturevalue("azurite_container"))
