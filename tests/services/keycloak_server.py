"""Keycloak: OAuth 2.0, OpenID Connect and SAML as identity providers speak them, over HTTPS; one server a session.

Its database, with the realm in it, is made once with the build: a start takes seconds.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.services import builders
from tests.services.keycloak_realm import REALM, realm
from tests.services.process import ServerCommand, ServerProcess, free_port, serve
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

VERSION = "26.7.3"
ADMINISTRATOR = "administrator"
_DISTRIBUTION = f"keycloak-{VERSION}"
_OPTIONS = ["--db=dev-file", "--health-enabled=true", "--metrics-enabled=false", "--https-client-auth=request"]
_THREADS = "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory"
_JAVA = [
    # What was verified when it was built need not be again at each start.
    *("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote", "-XX:-UsePerfData"),
    *("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=256m"),
    *("-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US", "--enable-native-access=ALL-UNNAMED"),
    *("--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED"),
    *("--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"),
    f"-Djava.util.concurrent.ForkJoinPool.common.threadFactory={_THREADS}",
    *("-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dpicocli.disable.closures=true"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeycloakServer:
    """A running server with the realm of `keycloak_realm`; `secret` is the password of all its clients and people."""

    url: str
    secret: str
    ca_path: Path
    key_path: Path  # private key of the client `jwt`, and of JWT assertions
    process: ServerProcess

    @property
    def issuer(self) -> str:
        """The realm's issuer."""
        return f"{self.url}/realms/{REALM}"

    @property
    def token_url(self) -> str:
        """The realm's token endpoint."""
        return f"{self.issuer}/protocol/openid-connect/token"

    @property
    def userinfo_url(self) -> str:
        """A resource that wants a token with the scope `openid`."""
        return f"{self.issuer}/protocol/openid-connect/userinfo"

    @property
    def saml_url(self) -> str:
        """Where the realm takes SAML requests, by any binding."""
        return f"{self.issuer}/protocol/saml"

    def post(self, url: str, fields: Mapping[str, str], **headers: str) -> dict[str, Any]:
        """What the server answers to a form, as somebody else than the tests' subject sends it."""
        request = urllib.request.Request(url, data=urlencode(fields).encode(), headers=headers)
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.ca_path)) as reply:
            content = reply.read()
        return json.loads(content) if content else {}

    def first_refresh_token(self, login: str = "alice") -> str:
        """What a provider would hand out: a refresh token of the client `people`."""
        fields = {"grant_type": "password", "client_id": "people", "client_secret": self.secret, "username": login}
        return str(self.post(self.token_url, {**fields, "password": self.secret})["refresh_token"])

    def revoke(self, token: str, *, client: str = "svc") -> None:
        """End a token before its time."""
        fields = {"client_id": client, "client_secret": self.secret, "token": token}
        self.post(f"{self.issuer}/protocol/openid-connect/revoke", fields)

    def certificate(self) -> str:
        """The certificate (PEM) that the realm signs assertions with."""
        tls = ssl.create_default_context(cafile=self.ca_path)
        with urllib.request.urlopen(f"{self.saml_url}/descriptor", context=tls) as reply:
            found = re.search(rb"X509Certificate>([^<]+)<", reply.read())
        return f"-----BEGIN CERTIFICATE-----\n{found.group(1).decode() if found else ''}\n-----END CERTIFICATE-----"


@contextmanager
def _running(
    folder: Path, distribution: Path, *, arguments: list[str], environment: Mapping[str, str], log_path: Path
) -> Iterator[ServerProcess]:
    """Keycloak in the home folder `folder`, with what it shares with others linked from its distribution."""
    management = free_port()
    for name in ("lib", "conf", "providers", "themes", "bin"):
        (folder / name).symlink_to(distribution / name)

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{management}/health/ready", timeout=2) as reply:
                return bool(json.load(reply)["status"] == "UP")
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(0.25)  # each question costs the server time that it needs to start
            return False

    home = [f"-Dkc.home.dir={folder}", f"-Djboss.server.config.dir={folder}/conf"]
    program = ["-cp", str(distribution / "lib" / "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint"]
    way = [
        *("start", "--optimized", "--cache=local", "--hostname-strict=false", "--http-host=127.0.0.1"),
        *("--http-management-scheme=http", "--http-management-host=127.0.0.1"),
        *(f"--http-management-port={management}", "--log-level=INFO,io.smallrye.health:ERROR"),
        f"--db-url=jdbc:h2:file:{folder}/data/h2/kc;NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE",
    ]
    command = ServerCommand(
        arguments=[shutil.which("java") or "java", *_JAVA, *home, *program, *way, *arguments],
        folder=folder,
        environment={**os.environ, **environment},
        ready_seconds=180,
        stop_seconds=30,
    )
    with serve("keycloak", command=command, probe=is_ready, log_path=log_path) as process:
        yield process


def _make(folder: Path) -> None:
    """The distribution, its build, the keys of the realm's clients, and a database with the realm."""
    builders.maven_file(folder, f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip")
    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    archive.unlink()
    distribution = folder / _DISTRIBUTION
    script = distribution / "bin" / "kc.sh"
    script.chmod(0o755)
    subprocess.run([script, "build", *_OPTIONS], check=True)
    home = folder / "home"
    (home / "data" / "import").mkdir(parents=True)
    content_of_realm = realm(secret=_secret(), **_make_keys(folder))
    (home / "data" / "import" / "realm.json").write_text(json.dumps(content_of_realm))
    administrator = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR, "KC_BOOTSTRAP_ADMIN_PASSWORD": _secret()}
    plain = ["--import-realm", "--http-enabled=true", f"--http-port={free_port()}"]
    log = folder / "making.log"
    with _running(home, distribution, arguments=plain, environment=administrator, log_path=log):
        pass
    shutil.copy(home / "data" / "h2" / "kc.mv.db", folder)
    shutil.rmtree(home)
    log.unlink()


def _make_keys(folder: Path) -> dict[str, str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "client.key.pem").write_bytes(plain)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "finport assertions")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    shown = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    return {"public_key": key.public_key().public_bytes(pem, public).decode(), "certificate": shown}


def _secret() -> str:
    from tests.conformance.sources.access import PLANTED_SECRET

    return PLANTED_SECRET


BUILD = Build(version=f"{VERSION}-1", make=_make)
"""The number behind the version changes with the realm."""


def find() -> Found | Missing:
    """What was built into the cache."""
    return builders.find_built("keycloak", BUILD, file=_DISTRIBUTION, tool="java")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[KeycloakServer]:
    """Run it over HTTPS on a free port, with a copy of the prepared database."""
    home = workspace.folder / "keycloak"
    database = home / "data" / "h2"
    database.mkdir(parents=True)
    shutil.copy(found.path.parent / "kc.mv.db", database)
    certificate, port = workspace.ca.issue("keycloak"), free_port()
    arguments = [
        f"--https-port={port}",
        f"--https-certificate-file={certificate.certificate_path}",
        f"--https-certificate-key-file={certificate.key_path}",
        f"--truststore-paths={workspace.ca.ca_path}",
    ]
    log = workspace.folder / "keycloak.log"
    with _running(home, found.path, arguments=arguments, environment={}, log_path=log) as process:
        workspace.processes.append(process)
        yield KeycloakServer(
            url=f"https://127.0.0.1:{port}",
            secret=_secret(),
            ca_path=workspace.ca.ca_path,
            key_path=found.path.parent / "client.key.pem",
            process=process,
        )


SERVICE: Service[KeycloakServer] = Service(
    name="keycloak",
    summary="OAuth 2.0, OpenID Connect and SAML logins",
    fixture="keycloak",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def keycloak(start_service: StartService) -> KeycloakServer:
    """One Keycloak for the session."""
    return start_service(SERVICE)
