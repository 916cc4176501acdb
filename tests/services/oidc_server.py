"""oidc-provider: OAuth 2.0 with a SAML bearer grant of our own (`oidc_server.mjs`), over HTTPS, once a session."""

from __future__ import annotations

import json
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services import builders
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.keycloak_server import KeycloakServer
    from tests.services.plugin import StartService

VERSION = "9.13.3"
PROGRAM = Path(__file__).with_suffix(".mjs")
ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
TOKEN_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcServer:
    """A running server; `keys` are the private keys (PEM) of its client `signing`, by algorithm."""

    issuer: str
    secret: str
    ca_path: Path
    keys: dict[str, Path]
    process: ServerProcess

    @property
    def token_url(self) -> str:
        """Its token endpoint."""
        return f"{self.issuer}/token"

    @property
    def prices_url(self) -> str:
        """A resource that wants a token, and says whose it is."""
        return f"{self.issuer}/prices"


def _make(folder: Path) -> None:
    builders.npm_packages(folder, [f"oidc-provider@{VERSION}", "xml-crypto@6.3.2"])


BUILD = Build(version=f"{VERSION}-1", make=_make)


def find() -> Found | Missing:
    """What was built into the cache, and node."""
    return builders.find_built("oidc", BUILD, file="node_modules", tool="node")


@contextmanager
def start(workspace: Workspace, found: Found, *, audience: str = "", certificate: str = "") -> Iterator[OidcServer]:
    """Run it on a free port.

    Args:
        audience: For whom SAML assertions have to be.
        certificate: PEM; of the identity provider that signs them.
    """
    issued, port, secret = workspace.ca.issue("oidc"), free_port(), _secret()
    trusted = workspace.folder / "provider.pem"
    trusted.write_text(certificate)
    keys = _make_keys(workspace.folder)
    settings = {
        "port": port,
        "secret": secret,
        "modules": str(found.path.parent),
        "key_file": str(issued.key_path),
        "certificate_file": str(issued.certificate_path),
        "certificate": str(trusted),
        "audience": audience,
        "seconds": TOKEN_SECONDS,
        "keys": [json.loads(path.with_suffix(".json").read_text()) for path in keys.values()],
    }
    file = workspace.folder / "settings.json"
    file.write_text(json.dumps(settings))
    issuer = f"https://127.0.0.1:{port}"
    command = ServerCommand(arguments=[_node(), str(PROGRAM), str(file)], folder=workspace.folder)
    with workspace.serve("oidc", command=command, probe=_probe(issuer, workspace.ca.ca_path)) as process:
        yield OidcServer(issuer=issuer, secret=secret, ca_path=workspace.ca.ca_path, keys=keys, process=process)


def _node() -> str:
    return shutil.which("node") or "node"


def _probe(issuer: str, ca_path: Path) -> Callable[[], bool]:
    def answers() -> bool:
        tls = ssl.create_default_context(cafile=ca_path)
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", context=tls, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    return answers


def _make_keys(folder: Path) -> dict[str, Path]:
    """A private key for each algorithm as `<algorithm>.pem`, and its public part as `<algorithm>.json`."""
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    made: dict[str, RSAKey | ECKey | OKPKey] = {
        "RS256": RSAKey.generate_key(2048),
        "PS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
    }
    for algorithm, key in made.items():
        (folder / f"{algorithm}.pem").write_bytes(key.as_pem(private=True))
        public = {**key.as_dict(private=False), "kid": algorithm, "alg": algorithm, "use": "sig"}
        (folder / f"{algorithm}.json").write_text(json.dumps(public))
    return {algorithm: folder / f"{algorithm}.pem" for algorithm in made}


def _secret() -> str:
    from tests.conformance.sources.access import PLANTED_SECRET

    return PLANTED_SECRET + "-that-is-long-enough-for-hs256"


def _service(*, audience: str = "", certificate: str = "") -> Service[OidcServer]:
    return Service(
        name="oidc",
        summary="OAuth 2.0 grants that Keycloak lacks",
        fixture="oidc",
        find=find,
        install=Install(build=BUILD),
        start=partial(start, audience=audience, certificate=certificate),
    )


SERVICE = _service()


@pytest.fixture(scope="session")
def oidc(start_service: StartService, keycloak: KeycloakServer) -> OidcServer:
    """One provider for the session, which takes Keycloak's assertions."""
    from tests.services.keycloak_realm import SAML_SERVICE

    return start_service(_service(audience=SAML_SERVICE, certificate=keycloak.certificate()))
