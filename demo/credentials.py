"""Secrets and certificates of the demo, made once in its folder and kept by restarts."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from demo.folder import DemoFolder

FILE = "credentials.json"
TLS_FOLDER = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Random texts of one demo folder."""

    client_id: str
    client_secret: str = field(repr=False)
    database_password: str = field(repr=False)
    superuser_password: str = field(repr=False)


def credentials_of(folder: DemoFolder) -> Credentials:
    """The folder's credentials, made when there are none or the file is damaged."""
    kept = read_credentials(folder)
    if kept is not None:
        return kept
    made = Credentials(
        client_id=f"finport-demo-{secrets.token_hex(4)}",
        client_secret=secrets.token_urlsafe(32),
        database_password=secrets.token_urlsafe(24),
        superuser_password=secrets.token_urlsafe(24),
    )
    folder.write_json(FILE, asdict(made))
    return made


def read_credentials(folder: DemoFolder) -> Credentials | None:
    """The credentials in the folder, if they are there and whole."""
    kept = folder.read_json(FILE)
    if set(kept) != {each.name for each in fields(Credentials)}:
        return None
    return Credentials(**{name: str(value) for name, value in kept.items()})


def tls_folder_of(folder: DemoFolder) -> Path:
    """The folder with `ca.pem`, `server.pem` (chain) and `server.key`, made when it is missing.

    The authority's own key is thrown away: nobody signs with it again.
    """
    return folder.build(TLS_FOLDER, files=("ca.pem", "server.pem", "server.key"), fill=_issue)


def _issue(folder: Path) -> None:
    import trustme

    authority = trustme.CA(organization_name="FinPort demo")
    server = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    key = folder / "server.key"
    key.touch(mode=0o600)
    server.private_key_pem.write_to_path(str(key))
    for number, certificate in enumerate(server.cert_chain_pems):
        certificate.write_to_path(str(folder / "server.pem"), append=number > 0)
