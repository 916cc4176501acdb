"""Objects of a Google Cloud Storage bucket.

```yaml
source:
  protocol: gcs
  connection: vendor_gcs         # a google_cloud_platform connection
  bucket: vendor-prices
  path: daily
  pattern: "*.csv"
```

The connection's extra holds the key of a service account, as `keyfile_dict` or in a file that `key_path` names. Default
credentials, impersonation and the metadata service are not used. With a `ca_file`, its authorities are trusted besides
those of the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.objects.files import ObjectFiles
from finport_ingestion.engine.sources.objects.heads import google_checksum
from finport_ingestion.engine.sources.objects.options import ObjectSetOptions
from finport_ingestion.engine.sources.objects.place import Place, endpoint, extra_of
from finport_ingestion.engine.sources.objects.rotation import CurrentConnection

if TYPE_CHECKING:
    from obstore.store import GCSStore, ObjectStore

_PREFIX = "extra__google_cloud_platform__"
_SERVICE = "https://storage.googleapis.com"
_VALID_FOR = timedelta(minutes=5)
_UNSUPPORTED = ("credential_config_file", "impersonation_chain", "key_secret_name", "keyfile_secret_name")


class GcsOptions(ObjectSetOptions):
    """A bucket and what to take from it."""

    protocol: Literal["gcs"]
    bucket: str = Field(description="The bucket.", pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")


class GcsSource:
    """See the module. An item is an object, its id the name below `path`."""

    Options = GcsOptions

    def __init__(self, options: GcsOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: The connection has no service account's key, or wants what is not supported.
        """
        self._objects = ObjectFiles(_bucket(options, access), options, access)

    def check(self) -> str:
        return self._objects.check()

    def replaces(self, after: Watermark | None) -> Replaces:
        return self._objects.replaces(after)

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        return self._objects.discover(after)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        return self._objects.open(item, span)


def _bucket(options: GcsOptions, access: Access) -> Place:
    spec = access.connection
    stated = spec and extra_of(spec, "endpoint_url", prefix=_PREFIX)
    service = endpoint(stated or _SERVICE, access=access)
    anonymous = options.anonymous or bool(spec and extra_of(spec, "is_anonymous", prefix=_PREFIX))
    if not anonymous:
        _check_supported(spec, access)

    current = CurrentConnection(access)

    def made(shared: dict[str, Any]) -> GCSStore:
        from obstore.store import GCSStore

        # A key that was replaced is read by the next client, that is by the next run, or after a failure.
        current.outdate()
        # obstore takes any of these from the environment where they are not stated.
        config: dict[str, Any] = {"base_url": service, "skip_signature": anonymous}
        if not anonymous:
            config["service_account_key"] = _key(current.connection(), access)
        return GCSStore(options.bucket, config=config, **shared)  # type: ignore[arg-type]

    # What is stored compressed comes as it is stored: unpacked on the way, sizes and ranges would be of other bytes.
    headers = {"accept-encoding": "gzip"}

    def head(store: ObjectStore, name: str) -> tuple[str, Mapping[str, str]]:
        import obstore

        if anonymous:
            return f"{service}/{options.bucket}/{quote(name, safe='/-_.~')}", headers
        return obstore.sign(store, "HEAD", name, _VALID_FOR), headers  # type: ignore[call-overload]

    return Place(
        name=options.bucket,
        word="bucket",
        url=service,
        made=made,
        headers=headers,
        head=head,
        checksum=google_checksum,
    )


def _check_supported(spec: ConnectionSpec | None, access: Access) -> None:
    if spec is None:
        raise ConfigError(
            f"{access.source}: a GCS source needs a connection with the key of a service account.",
            hint="name a google_cloud_platform connection, or state 'anonymous: true' for a public bucket",
        )
    for name in _UNSUPPORTED:
        if extra_of(spec, name, prefix=_PREFIX):
            raise ConfigError(
                f"{access.source}: connection '{spec.id}' wants '{name}', which is not supported.",
                hint="give it the key of a service account, as 'keyfile_dict' or 'key_path'",
            )
    if not any(extra_of(spec, name, prefix=_PREFIX) for name in ("keyfile_dict", "key_path")):
        raise ConfigError(
            f"{access.source}: connection '{spec.id}' has no key of a service account.",
            hint="put it into its extra as 'keyfile_dict', or name its file as 'key_path'",
        )


def _key(spec: ConnectionSpec | None, access: Access) -> str:
    """The key as JSON; errors repeat nothing of it."""
    if spec is None:
        return ""
    wrong = ConfigError(
        f"{access.source}: the service account's key of connection '{spec.id}' is none.",
        hint="it is the JSON file that Google gives out, with client_email and private_key",
    )
    try:
        text = extra_of(spec, "keyfile_dict", prefix=_PREFIX) or _file(spec)
        key = json.loads(text)
    except (OSError, ValueError):
        raise wrong from None
    if not isinstance(key, dict) or not key.get("client_email") or not key.get("private_key"):
        raise wrong
    # Where requests go is for the connection to say, not for the key.
    kept = ("type", "client_email", "private_key", "private_key_id")
    return json.dumps({name: key[name] for name in kept if name in key})


def _file(spec: ConnectionSpec) -> str:
    return Path(extra_of(spec, "key_path", prefix=_PREFIX) or "").read_text(encoding="utf-8")
