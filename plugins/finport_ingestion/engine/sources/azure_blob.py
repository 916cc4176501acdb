"""Blobs of an Azure Storage container.

```yaml
source:
  protocol: azure_blob
  connection: vendor_blobs       # a wasb connection
  container: prices
  path: daily
  pattern: "*.parquet"
```

The connection is read as Airflow's wasb hook reads it: the account is its login (or its host, as a URL), its password
the key; or its extra holds a `sas_token`, a `connection_string`, or a `tenant_id`, with the client id and secret of a
service principal as login and password. Managed identities are not used. With a `ca_file`, its authorities are trusted
besides those of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.objects.azure_account import BlobAccount, account_of
from finport_ingestion.engine.sources.objects.azure_signature import VERSION, signature
from finport_ingestion.engine.sources.objects.files import ObjectFiles
from finport_ingestion.engine.sources.objects.heads import azure_checksum
from finport_ingestion.engine.sources.objects.options import ObjectSetOptions
from finport_ingestion.engine.sources.objects.place import Place, endpoint
from finport_ingestion.engine.sources.objects.rotation import CurrentConnection

if TYPE_CHECKING:
    from obstore.store import AzureStore, ObjectStore


class AzureBlobOptions(ObjectSetOptions):
    """A container and what to take from it."""

    protocol: Literal["azure_blob"]
    container: str = Field(description="The container.", pattern=r"^(\$root|\$web|[a-z0-9](-?[a-z0-9]){2,62})$")


class AzureBlobSource:
    """See the module. An item is a blob, its id the name below `path`."""

    Options = AzureBlobOptions

    def __init__(self, options: AzureBlobOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: The connection names no account, or has no credentials.
        """
        self._objects = ObjectFiles(_container(options, access), options, access)

    def check(self) -> str:
        return self._objects.check()

    def replaces(self, after: Watermark | None) -> Replaces:
        return self._objects.replaces(after)

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        return self._objects.discover(after)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        return self._objects.open(item, span)


def _container(options: AzureBlobOptions, access: Access) -> Place:
    current, now = CurrentConnection(access), access.deadline.clock.now
    stated = account_of(access, anonymous=options.anonymous)
    service = endpoint(stated.url, access=access)

    def account() -> BlobAccount:
        return account_of(current.access(), anonymous=options.anonymous)

    def made(shared: dict[str, Any]) -> AzureStore:
        from obstore.store import AzureStore

        current.outdate()
        found = account()
        found.check_not_expired(source=access.source, now=now())
        # obstore takes any of these from the environment where they are not stated.
        config: dict[str, Any] = {
            "account_name": found.name,
            "endpoint": service,
            "skip_signature": options.anonymous,
            "use_emulator": False,
            "use_azure_cli": False,
            "use_fabric_endpoint": False,
            **found.principal(),
        }
        asks = found.key or found.sas
        credentials = (lambda: account().credential(now=now())) if asks else None
        return AzureStore(options.container, config=config, credential_provider=credentials, **shared)  # type: ignore[arg-type]

    def head(_: ObjectStore, name: str) -> tuple[str, Mapping[str, str]]:
        found = account()
        query = found.sas
        if found.key:
            query = signature(found.name, options.container, name, key=found.key, now=now())
        plain = f"{service}/{options.container}/{quote(name, safe='/-_.~')}"
        return (f"{plain}?{query}" if query else plain), {"x-ms-version": VERSION}

    # A service principal's token is obstore's own: nothing can be signed with it here.
    return Place(
        name=options.container,
        word="container",
        url=service,
        made=made,
        head=None if stated.tenant else head,
        checksum=azure_checksum,
    )
