"""Azure Blob over Azurite: each way to log in, versions, checksums, refusals."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FinportError,
    SourceItemChanged,
    SourceItemMissing,
)
from finport_ingestion.engine.sources.azure_blob import AzureBlobSource
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.azurite_server import Azurite
from tests.services.object_sources import azure_source, listed, read, stated_checksums
from tests.services.web import WebServer
from tests.services.web_replies import error_reply, json_reply

CONTENT = random.Random(3).randbytes(3 << 20)
MD5 = f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"


def put(server: Azurite, container: str, name: str, content: bytes) -> None:
    with server.service() as service:
        service.get_blob_client(container, name).upload_blob(content, overwrite=True)


def signature(server: Azurite, container: str, *, hours: float, list_too: bool = True) -> str:
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    signed: str = generate_container_sas(
        server.account,
        container,
        account_key=server.account_key,
        permission=ContainerSasPermissions(read=True, list=list_too),
        expiry=datetime.now(UTC) + timedelta(hours=hours),
    )
    return signed


@pytest.fixture
def container(azurite: Azurite, azurite_container: str) -> str:
    """One that holds `daily/prices ü.csv`."""
    put(azurite, azurite_container, "daily/prices ü.csv", CONTENT)
    return azurite_container


def ways(azurite: Azurite, container: str) -> dict[str, dict[str, Any]]:
    """The fields of a connection for each way to log in."""
    signed = signature(azurite, container, hours=1)
    of_signature = f"BlobEndpoint={azurite.account_url};SharedAccessSignature={signed}"
    nothing: dict[str, Any] = {"login": None, "host": None, "secret": None}
    return {
        "key": {},
        "key in the extra": {"secret": None, "extra": {"shared_access_key": azurite.account_key}},
        "older field": {"secret": None, "extra": {"extra__wasb__sas_token": signed}},
        "signature": {"secret": None, "extra": {"sas_token": f"?{signed}"}},
        "signature in a URL": {"secret": None, "extra": {"sas_token": f"{azurite.account_url}?{signed}"}},
        "connection string": {**nothing, "extra": {"connection_string": azurite.connection_string}},
        "connection string with a signature": {**nothing, "extra": {"connection_string": of_signature}},
    }


def test_every_way_to_log_in_reads_whole_in_ranges_and_with_checksum(azurite: Azurite, container: str) -> None:
    for way, fields in ways(azurite, container).items():
        source = azure_source(azurite, container, options={"path": "daily"}, **fields)
        item = listed(source)["prices ü.csv"]
        assert read(source, item) == CONTENT, way
        assert read(source, item, Span(1000, 2000)) == CONTENT[1000:2000], way
        assert stated_checksums(source) == {"prices ü.csv": MD5}, way


def test_ranges_of_two_versions_never_come_together(azurite: Azurite, container: str) -> None:
    source = azure_source(azurite, container)
    item = listed(source)["daily/prices ü.csv"]
    put(azurite, container, "daily/prices ü.csv", CONTENT[::-1])
    with pytest.raises(SourceItemChanged):
        read(source, item, Span(1000, 2000))


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"secret": base64.b64encode(b"mistyped").decode()}, AccessDenied, "access is denied"),
        ({"secret": "not base64!"}, AccessDenied, "the credentials cannot be used"),
        ({"secret": None}, ConfigError, "has no credentials"),
        ({"login": None, "host": None}, ConfigError, "names no storage account"),
        ({"secret": None, "extra": {"tenant_id": "t"}}, ConfigError, "no service principal"),
        ({"extra": {"connection_string": "AccountName=x"}}, ConfigError, "is not whole"),
    ],
)
def test_what_is_wrong_with_the_connection_is_told(
    azurite: Azurite, container: str, fields: dict[str, Any], kind: type[FinportError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        azure_source(azurite, container, **fields).check()


def test_a_signature_that_is_over_is_told_with_its_end(azurite: Azurite, container: str) -> None:
    signed = signature(azurite, container, hours=-1)
    with pytest.raises(AccessDenied, match=r"ended at 2\d\d\d-"):
        azure_source(azurite, container, secret=None, extra={"sas_token": signed}).check()


def test_a_signature_that_was_renewed_is_taken_up_after_a_failure(azurite: Azurite, container: str) -> None:
    fields = {"login": azurite.account, "host": azurite.account_url, "secret": None}
    over, renewed = (
        connection(
            "wasb",
            **fields,
            extra={"sas_token": signature(azurite, container, hours=hours), "ca_file": str(azurite.ca_path)},
        )
        for hours in (-1, 1)
    )
    options = AzureBlobSource.Options.model_validate({"protocol": "azure_blob", "container": container})
    source = AzureBlobSource(options, access(dataclasses.replace(over, read=lambda: renewed)))
    with pytest.raises(AccessDenied):
        source.check()
    source.check()


def test_a_signature_without_the_right_to_list_is_refused(azurite: Azurite, container: str) -> None:
    signed = signature(azurite, container, hours=1, list_too=False)
    with pytest.raises(AccessDenied):
        azure_source(azurite, container, secret=None, extra={"sas_token": signed}).check()


def test_a_public_container_is_read_without_credentials(azurite: Azurite, azurite_container: str) -> None:
    anonymous = azure_source(azurite, azurite_container, options={"anonymous": True}, secret=None)
    with pytest.raises(AccessDenied):
        anonymous.check()
    put(azurite, azurite_container, "a.csv", b"public")
    with azurite.service() as service:
        service.get_container_client(azurite_container).set_container_access_policy({}, public_access="container")
    assert read(anonymous, listed(anonymous)["a.csv"]) == b"public"


def test_a_container_that_is_not_there_is_no_empty_one(azurite: Azurite) -> None:
    with pytest.raises(SourceItemMissing, match="there is no such container"):
        listed(azure_source(azurite, "no-such-container"))


def principal(azurite: Azurite, container: str, web_server: WebServer) -> AzureBlobSource:
    return azure_source(
        azurite,
        container,
        login="the-client",
        extra={"tenant_id": "the-tenant", "authority": web_server.url(), "account_name": azurite.account},
        secret=PLANTED_SECRET,
    )


def test_a_service_principal_gets_its_token_by_the_same_way(
    azurite: Azurite, container: str, web_server: WebServer
) -> None:
    web_server.add("/the-tenant/oauth2/v2.0/token", json_reply({"access_token": "a.b.c", "expires_in": 3600}))
    # Azurite takes only tokens that Azure signed: that it refuses this one shows that it was sent.
    with pytest.raises(AccessDenied, match="container"):
        principal(azurite, container, web_server).check()
    form = web_server.requests[0].form()
    assert (form["client_id"], form["client_secret"]) == ("the-client", PLANTED_SECRET)
    assert form["scope"] == "https://storage.azure.com/.default"


def test_a_service_principal_that_is_refused_is_told(azurite: Azurite, container: str, web_server: WebServer) -> None:
    web_server.add("/*", error_reply(401))
    with pytest.raises(AccessDenied, match="no token is given"):
        principal(azurite, container, web_server).check()


def test_this_machine_is_refused_where_nothing_else_is_stated(azurite: Azurite, container: str) -> None:
    with pytest.raises(AddressRefused):
        azure_source(azurite, container, protection={"allow_private_network": False}).check()


def test_an_endpoint_without_tls_is_refused_where_it_is_not_allowed(azurite: Azurite, container: str) -> None:
    with pytest.raises(ConfigError, match="without TLS"):
        azure_source(azurite, container, host=azurite.account_url.replace("https", "http"))


def test_variables_of_the_environment_have_no_say(
    azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = {
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURE_ALLOW_INVALID_CERTIFICATES": "true",
        "AZURE_STORAGE_TOKEN": "x",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
        "AZURE_SKIP_SIGNATURE": "true",
        "AZURE_PROXY_EXCLUDES": "*",
    }
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    azure_source(azurite, container).check()
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        azure_source(azurite, container, protection={"ca_file": None}).check()


def test_a_source_needs_a_connection_that_names_the_account() -> None:
    options = AzureBlobSource.Options.model_validate({"protocol": "azure_blob", "container": "prices"})
    with pytest.raises(ConfigError, match="needs a connection"):
        AzureBlobSource(options, access(None))
