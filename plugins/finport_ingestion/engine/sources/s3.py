"""Objects of an S3 bucket: Amazon's, or of any service that speaks S3.

```yaml
source:
  protocol: s3
  connection: vendor_bucket      # an aws connection; endpoint_url in its extra names another service
  bucket: vendor-prices
  path: daily
  pattern: "prices-*.csv.gz"
```

The connection's login and password are the key id and the secret; `aws_session_token`, `region_name` and `endpoint_url`
stand in its extra. Roles and profiles are Airflow's to resolve, which hands over keys; the keys of the machine (of its
environment, or its metadata service) are not used: an ingestion takes what its connection says.

Every version of an object is told apart by its ETag, and ranges are bound to it. With a `ca_file`, its authorities are
trusted besides those of the machine: the client of object stores knows no other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.objects.files import ObjectFiles
from finport_ingestion.engine.sources.objects.heads import s3_checksum
from finport_ingestion.engine.sources.objects.options import ObjectSetOptions
from finport_ingestion.engine.sources.objects.place import Place, endpoint
from finport_ingestion.engine.sources.objects.rotation import VALID_FOR, CurrentConnection
from finport_ingestion.engine.sources.objects.s3_signature import signed_head

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential, S3Store

_UNSUPPORTED = ("role_arn", "profile_name", "assume_role_method", "assume_role_with_web_identity")


class S3Options(ObjectSetOptions):
    """A bucket and what to take from it."""

    protocol: Literal["s3"]
    bucket: str = Field(description="The bucket.", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    addressing: Literal["path", "virtual"] = Field(
        default="path",
        description="Whether requests name the bucket in the path, or in the host name as some services demand.",
    )


class S3Source:
    """See the module. An item is an object, its id the key below `path`."""

    Options = S3Options

    def __init__(self, options: S3Options, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: The connection has no keys, or wants what is not supported (roles, profiles).
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


def _bucket(options: S3Options, access: Access) -> Place:
    extra = access.connection.extra if access.connection else {}
    region = str(extra.get("region_name") or "us-east-1")
    service = endpoint(_service_url(extra) or f"https://s3.{region}.amazonaws.com", access=access)
    scheme, _, host = service.partition("://")
    virtual = options.addressing == "virtual"
    # obstore takes any of these from the environment where they are not stated.
    config: dict[str, Any] = {
        "aws_endpoint_url_s3": f"{scheme}://{options.bucket}.{host}" if virtual else service,
        "region": region,
        "virtual_hosted_style_request": virtual,
        "skip_signature": options.anonymous,
        "s3_express": False,
        "request_payer": False,
    }
    current = CurrentConnection(access)
    credentials = None if options.anonymous else _credentials(access, current)

    def made(shared: dict[str, Any]) -> S3Store:
        from obstore.store import S3Store

        current.outdate()
        return S3Store(options.bucket, config=config, credential_provider=credentials, **shared)  # type: ignore[arg-type]

    def head(_: ObjectStore, key: str) -> tuple[str, Mapping[str, str]]:
        where = config["aws_endpoint_url_s3"] if virtual else f"{service}/{options.bucket}"
        url = f"{where}/{quote(key, safe='/-_.~')}"
        return url, signed_head(url, region=region, credentials=credentials() if credentials else None)

    return Place(name=options.bucket, word="bucket", url=service, made=made, head=head, checksum=s3_checksum)


def _service_url(extra: Any) -> str | None:
    of_s3 = (extra.get("service_config") or {}).get("s3") or {}
    stated = of_s3.get("endpoint_url") or extra.get("endpoint_url")
    return str(stated) if stated else None


def _credentials(access: Access, current: CurrentConnection) -> Callable[[], S3Credential]:
    _check_connection(access)
    clock = access.deadline.clock

    def credentials() -> S3Credential:
        spec = current.connection()
        key_id, secret = (spec and _keys(spec)) or ("", "")
        token = spec.extra.get("aws_session_token") if spec else None
        return {
            "access_key_id": key_id,
            "secret_access_key": secret,
            "token": str(token) if token else None,
            "expires_at": clock.now() + VALID_FOR,
        }

    return credentials


def _check_connection(access: Access) -> None:
    spec = access.connection
    if spec is None:
        raise ConfigError(
            f"{access.source}: an S3 source needs a connection with its keys.",
            hint="name an aws connection, or state 'anonymous: true' for a public bucket",
        )
    for name in _UNSUPPORTED:
        if spec.extra.get(name):
            raise ConfigError(
                f"{access.source}: connection '{spec.id}' wants '{name}', which is not supported without Airflow.",
                hint="give it keys of its own; temporary ones with 'aws_session_token' in the extra",
            )
    if not _keys(spec):
        raise ConfigError(
            f"{access.source}: connection '{spec.id}' has no keys.",
            hint="put the access key id into its login and the secret into its password",
        )


def _keys(spec: ConnectionSpec) -> tuple[str, str] | None:
    """Key id and secret, from where Airflow's hook takes them."""
    key_id = spec.login or spec.extra.get("aws_access_key_id")
    secret = spec.secret() or spec.extra.get("aws_secret_access_key")
    return (str(key_id), str(secret)) if key_id and secret else None
