"""A storage account of Azure, and how it is logged in to, out of a connection as Airflow's wasb hook reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.objects.place import extra_of
from finport_ingestion.engine.sources.objects.rotation import VALID_FOR

if TYPE_CHECKING:
    from obstore.store import AzureCredential

_SUFFIX = "blob.core.windows.net"
_PREFIX = "extra__wasb__"
_AUTHORITY = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobAccount:
    """One way in: a key, a shared access signature (SAS), a service principal, or none for what is public."""

    name: str
    url: str
    connection: str | None = None  # its id
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)
    tenant: Mapping[str, str] = field(default_factory=dict, repr=False)  # obstore's keys of a service principal

    def principal(self) -> dict[str, str]:
        """What obstore logs in with by itself, renewing its token as it ends."""
        return {"credential_type": "client_secret", **self.tenant} if self.tenant else {}

    def credential(self, *, now: datetime) -> AzureCredential | None:
        """A key or a signature as obstore takes it, and until when."""
        if self.key:
            return {"access_key": self.key, "expires_at": now + VALID_FOR}
        return {"sas_token": self.sas, "expires_at": now + VALID_FOR} if self.sas else None

    def check_not_expired(self, *, source: str, now: datetime) -> None:
        """Raise AccessDenied where a signature says itself that it is over: the service's answer does not tell."""
        ends = parse_qs(self.sas or "").get("se", [""])[0]
        if not ends:
            return
        try:
            ends_at = datetime.fromisoformat(ends)
        except ValueError:
            return
        if ends_at.tzinfo and ends_at <= now:
            ended = f"{ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            raise AccessDenied(
                f"{source}: the shared access signature of connection '{self.connection}' ended at {ended}.",
                hint="have a new one made, and put it into the connection's extra as 'sas_token'",
            )


def account_of(access: Access, *, anonymous: bool) -> BlobAccount:
    """The account of the source's connection.

    Raises:
        ConfigError: It names none, or has no credentials although some are needed.
    """
    spec = access.connection
    if spec is None:
        raise ConfigError(
            f"{access.source}: a Blob source needs a connection that names the account.",
            hint="name a wasb connection; with 'anonymous: true' its login alone is enough",
        )
    if text := extra_of(spec, "connection_string", prefix=_PREFIX):
        return _of_string(text, access, spec)
    url = _url(spec, access)
    name = extra_of(spec, "account_name", prefix=_PREFIX) or _name_in(url)
    tenant_id = extra_of(spec, "tenant_id", prefix=_PREFIX)
    sas = extra_of(spec, "sas_token", prefix=_PREFIX)
    if anonymous:
        return BlobAccount(name=name, url=url, connection=spec.id)
    if tenant_id:
        return BlobAccount(name=name, url=url, connection=spec.id, tenant=_tenant(spec, tenant_id, access))
    if sas:
        return BlobAccount(name=name, url=url, connection=spec.id, sas=sas.rpartition("?")[2])
    return BlobAccount(name=spec.login or name, url=url, connection=spec.id, key=_key(spec, access))


def _url(spec: ConnectionSpec, access: Access) -> str:
    host = (spec.host or "").rstrip("/")
    if "://" in host:
        return host
    if "." in host:
        return f"https://{host}"
    account = extra_of(spec, "account_name", prefix=_PREFIX) or spec.login
    if not account or not account.isalnum():
        raise ConfigError(
            f"{access.source}: connection '{spec.id}' names no storage account.",
            hint="put the account into its login, or its URL into the host",
        )
    return f"https://{account}.{_SUFFIX}"


def _name_in(url: str) -> str:
    """The account that a URL is of: of its host in Azure, of its path in an emulator."""
    parts = urlsplit(url)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]


def _key(spec: ConnectionSpec, access: Access) -> str:
    key = spec.secret() or extra_of(spec, "shared_access_key", prefix=_PREFIX)
    if not key:
        raise ConfigError(
            f"{access.source}: connection '{spec.id}' has no credentials.",
            hint="put the account's key into its password, or a 'sas_token' or 'connection_string' into its extra",
        )
    return key


def _tenant(spec: ConnectionSpec, tenant_id: str, access: Access) -> dict[str, str]:
    secret = spec.secret()
    if not spec.login or not secret:
        raise ConfigError(
            f"{access.source}: connection '{spec.id}' has a tenant, but no service principal.",
            hint="put the client id into its login and the client secret into its password",
        )
    authority = extra_of(spec, "authority", prefix=_PREFIX) or _AUTHORITY
    return {
        "client_id": spec.login,
        "client_secret": secret,
        "tenant_id": tenant_id,
        "authority_host": authority if "://" in authority else f"https://{authority}",
    }


def _of_string(text: str, access: Access, spec: ConnectionSpec) -> BlobAccount:
    fields = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    name, key, sas = (fields.get(field) for field in ("AccountName", "AccountKey", "SharedAccessSignature"))
    suffix = fields.get("EndpointSuffix", _SUFFIX.removeprefix("blob."))
    url = fields.get("BlobEndpoint") or (f"https://{name}.blob.{suffix}" if name else "")
    if not url or not (key or sas):
        raise ConfigError(
            f"{access.source}: the connection string of connection '{spec.id}' is not whole.",
            hint="copy it whole: AccountName with AccountKey, or BlobEndpoint with SharedAccessSignature",
        )
    return BlobAccount(
        name=name or _name_in(url),
        url=url.rstrip("/"),
        connection=spec.id,
        key=key,
        sas=sas,
    )
