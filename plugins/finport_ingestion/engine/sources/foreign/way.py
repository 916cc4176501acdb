"""Which file systems of fsspec may be used, and what has to be stated for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AddressRefused, ConfigError, UnknownPlugin
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

OURS = {
    **dict.fromkeys(("file", "local", "asynclocal"), "file"),
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "azure_blob"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("http", "https"), "http"),
    **dict.fromkeys(("sftp", "ssh"), "sftp"),
    "ftp": "ftp",
}
"""Schemes that protocols of ours read, checked and bounded as theirs cannot be."""

HERE = {"memory", "data"}
"""Those that contact nobody."""

ARCHIVES = {"zip", "tar", "libarchive"}
"""Those that read a file of the next one in the chain."""

ELSEWHERE = {
    *("blockcache", "filecache", "simplecache", "cached", "dir", "generic", "reference", "git", "dvc"),
    *("async_wrapper", "asyncwrapper", "dask", "pyscript"),
}
"""Those that read, write or run on this machine, or lead on to wherever a file says."""

PLAINTEXT = {"hdfs", "arrow_hdfs", "smb", "webhdfs", "jupyter", "jlab", "root"}
"""Those whose client speaks without TLS, if not told otherwise."""

_SAFEGUARD = re.compile(r"verify|ssl|tls|secure|trust|cert", re.IGNORECASE)
_RISK = re.compile(r"insecure|no_?(verify|check|ssl|tls)|skip|disable", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignUrl:
    """A URL of fsspec that was found harmless enough."""

    url: str
    schemes: tuple[str, ...]  # outermost first
    connection: ConnectionSpec | None

    @property
    def title(self) -> str:
        """For messages."""
        return self.url.partition("?")[0]

    @staticmethod
    def of(url: str, *, access: Access) -> ForeignUrl:
        """Raises ConfigError or AddressRefused where it may not be used, see the module of the protocol."""
        links = url.split("::")
        schemes = tuple(link.partition("://")[0] for link in links)
        found = ForeignUrl(url=url, schemes=schemes, connection=access.connection)
        found._check_schemes(access.source)
        found._check_secrets(links, access.source)
        found._check_safeguards(found._options(), access.source)
        if schemes[-1] not in HERE:
            found._check_network(access)
        return found

    def opened(self, *, login_as: str, password_as: str) -> tuple[AbstractFileSystem, str]:
        """The file system, new and without caches, and the folder in it."""
        import fsspec.core

        spec = self.connection
        options = {"skip_instance_cache": True, "use_listings_cache": False, **self._options()}
        if spec and spec.login:
            options[login_as] = spec.login
        if spec and (secret := spec.secret()):
            options[password_as] = secret
        system, root = fsspec.core.url_to_fs(self.url, **{self.schemes[-1]: options})
        return system, root

    def _options(self) -> dict[str, Any]:
        stated = self.connection.extra.get("storage_options") if self.connection else None
        return dict(stated) if isinstance(stated, Mapping) else {}

    def _check_schemes(self, source: str) -> None:
        from fsspec.registry import available_protocols, registry

        known = {*available_protocols(), *registry}
        for scheme in self.schemes:
            if ours := OURS.get(scheme):
                raise ConfigError(f"{source}: {scheme}:// is not for fsspec.", hint=f"state protocol: {ours}")
            if scheme in ELSEWHERE:
                raise ConfigError(
                    f"{source}: {scheme}:// would use files of this machine, or lead elsewhere.",
                    hint="name the file system itself",
                )
            if scheme not in known:
                raise UnknownPlugin(f"{source}: fsspec knows no {scheme}://.", hint="correct the url")
        if any(scheme not in ARCHIVES for scheme in self.schemes[:-1]) or self.schemes[-1] in ARCHIVES:
            raise ConfigError(
                f"{source}: a chain of file systems is archives, and at last where they lie.",
                hint="state it like zip::webhdfs://namenode/prices.zip",
            )

    def _check_secrets(self, links: list[str], source: str) -> None:
        for link in links:
            if "@" in urlsplit(link).netloc:
                raise ConfigError(f"{source}: the url holds credentials.", hint="put them into a connection")

    def _check_safeguards(self, options: Mapping[str, Any], source: str) -> None:
        for name, value in options.items():
            if isinstance(value, Mapping):
                self._check_safeguards(value, source)
            off = value in (False, 0, None, "", "false", "False", "no", "0", "CERT_NONE")
            if (_SAFEGUARD.search(name) and off) or (_RISK.search(name) and not off):
                raise ConfigError(
                    f"{source}: '{name}' in storage_options would turn a safeguard off.",
                    hint="leave it out; a private authority is named by its file",
                )

    def _check_network(self, access: Access) -> None:
        source, protection, scheme = access.source, access.protection, self.schemes[-1]
        if not protection.allow_private_network:
            raise AddressRefused(
                f"{source}: the client of {scheme}:// resolves names by itself: no address of it can be held back.",
                hint="use a protocol of ours; or state security.allowPrivateNetwork",
            )
        if protection.proxy or protection.ca_file:
            raise ConfigError(
                f"{source}: proxy and ca_file cannot be handed to the client of {scheme}://.",
                hint="state them in storage_options as that client calls them",
            )
        if self._is_plaintext():
            protection.demand_tls(what=f"{source}: {scheme}", fix="turn TLS on in storage_options, e.g. use_https")
        elif protection.min_tls != "1.2":
            raise ConfigError(
                f"{source}: the client of {scheme}:// cannot be held to TLS {protection.min_tls}.",
                hint="state security.minTls 1.2, with that as the reason",
            )

    def _is_plaintext(self) -> bool:
        options = self._options()
        if options.get("use_https") is True:
            return False
        stated = [value for value in options.values() if isinstance(value, str)]
        return self.schemes[-1] in PLAINTEXT or any(value.lower().startswith("http://") for value in stated)
