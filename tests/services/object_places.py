"""Places that the engine writes: by which url, and what lies in them as the SDKs of their makers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.services.azurite_server import Azurite
from tests.services.gcs_server import GcsServer
from tests.services.s3_server import S3Server
from tests.services.versitygw_server import Versitygw

BLOCK_BYTES = 5 << 20
"""What is uploaded at a time: the least that S3 takes."""
KEY = "folder/prices.bin"


class Place(Protocol):
    """One object, `KEY`, of a store (or folder) that only this test uses."""

    @property
    def url(self) -> str: ...

    @property
    def options(self) -> Mapping[str, Any]:
        """What a UPath takes beside the url."""
        ...

    @property
    def ca_path(self) -> Path | None: ...

    def put(self, content: bytes) -> None: ...

    def get(self) -> bytes | None:
        """Its bytes; None where there is none."""
        ...

    def unfinished(self) -> int | None:
        """How many uploads of it have begun and not ended; None where the store does not tell."""
        ...


@dataclass(frozen=True, kw_only=True)
class FolderPlace:
    """On this machine."""

    folder: Path
    ca_path: Path | None = None

    @property
    def url(self) -> str:
        return f"file://{self.folder}/{KEY}"

    @property
    def options(self) -> Mapping[str, Any]:
        return {}

    def put(self, content: bytes) -> None:
        (self.folder / KEY).parent.mkdir()
        (self.folder / KEY).write_bytes(content)

    def get(self) -> bytes | None:
        return (self.folder / KEY).read_bytes() if (self.folder / KEY).exists() else None

    def unfinished(self) -> int | None:
        return len(list(self.folder.rglob("*.partial")))


@dataclass(frozen=True, kw_only=True)
class S3Place:
    """On moto, or on versitygw."""

    server: S3Server | Versitygw
    bucket: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{KEY}"

    @property
    def options(self) -> Mapping[str, Any]:
        client = {"endpoint_url": self.server.endpoint_url, "region_name": self.server.region}
        # As the client of versitygw's fixture, and for the same reason.
        config = {"request_checksum_calculation": "when_required"}
        keys = {"key": self.server.access_key, "secret": self.server.secret_key}
        return {**keys, "client_kwargs": client, "config_kwargs": config, "default_block_size": BLOCK_BYTES}

    @property
    def ca_path(self) -> Path | None:
        return self.server.ca_path if isinstance(self.server, Versitygw) else None

    def put(self, content: bytes) -> None:
        self.server.client().put_object(Bucket=self.bucket, Key=KEY, Body=content)

    def get(self) -> bytes | None:
        client = self.server.client()
        if not client.list_objects_v2(Bucket=self.bucket).get("Contents"):
            return None
        content: bytes = client.get_object(Bucket=self.bucket, Key=KEY)["Body"].read()
        return content

    def unfinished(self) -> int | None:
        return len(self.server.client().list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()))


@dataclass(frozen=True, kw_only=True)
class AzurePlace:
    """On Azurite. Blocks that were not committed are invisible, and Azure forgets them after a week."""

    server: Azurite
    container: str

    @property
    def url(self) -> str:
        return f"abfs://{self.container}/{KEY}"

    @property
    def options(self) -> Mapping[str, Any]:
        return {"connection_string": self.server.connection_string, "blocksize": BLOCK_BYTES}

    @property
    def ca_path(self) -> Path | None:
        return self.server.ca_path

    def put(self, content: bytes) -> None:
        with self.server.service() as service:
            service.get_blob_client(self.container, KEY).upload_blob(content)

    def get(self) -> bytes | None:
        with self.server.service() as service:
            blob = service.get_blob_client(self.container, KEY)
            content: bytes | None = blob.download_blob().readall() if blob.exists() else None
            return content

    def unfinished(self) -> int | None:
        return None


@dataclass(frozen=True, kw_only=True)
class GcsPlace:
    """On fake-gcs-server."""

    server: GcsServer
    bucket: str

    @property
    def url(self) -> str:
        return f"gs://{self.bucket}/{KEY}"

    @property
    def options(self) -> Mapping[str, Any]:
        return {"endpoint_url": self.server.endpoint_url, "token": "anon", "block_size": BLOCK_BYTES}

    @property
    def ca_path(self) -> Path | None:
        return self.server.ca_path

    def put(self, content: bytes) -> None:
        self.server.client().bucket(self.bucket).blob(KEY).upload_from_string(content)

    def get(self) -> bytes | None:
        blob = self.server.client().bucket(self.bucket).get_blob(KEY)
        content: bytes | None = blob.download_as_bytes() if blob else None
        return content

    def unfinished(self) -> int | None:
        return None
