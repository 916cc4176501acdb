"""OpenSSH: SFTP into a chroot, by key, by certificate and by nothing else."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.services.process import ServerCommand, ServerProcess, free_port, listens
from tests.services.service import Found, Install, Missing, Service, Workspace
from tests.services.system_user import system_user

if TYPE_CHECKING:
    from tests.services.plugin import StartService

_PROGRAM = "/usr/sbin/sshd"
_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
TrustedUserCAKeys {folder}/user_ca.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
Match User {user}
  ChrootDirectory {jail}
  ForceCommand internal-sftp
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """A running server. `root` is its `/` for clients; they may write below `root/drop` only."""

    port: int
    user: str
    root: Path
    host_key: str  # the line that pins it
    key_path: Path  # a private key that is let in
    certificate_path: Path  # of another key, `certified_key_path`, signed by the CA that is trusted
    certified_key_path: Path
    stranger_key_path: Path  # a private key that nobody knows
    process: ServerProcess

    def folder(self) -> Path:
        """A new folder of the server, whose path below `root` is that for clients."""
        folder = self.root / "drop" / secrets.token_hex(6)
        folder.mkdir()
        return folder

    def path(self, folder: Path) -> str:
        """A folder as clients name it."""
        return f"/{folder.relative_to(self.root)}"

    def end_sessions(self) -> None:
        """Cut every connection, as a server does that is started anew."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.kill()


def find() -> Found | Missing:
    """sshd, and root to let it change its root."""
    if not Path(_PROGRAM).exists():
        return Missing(reason=f"there is no {_PROGRAM}")
    if os.geteuid() != 0:
        return Missing(reason="a chroot needs root")
    # "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.14 ..." stands among the usage.
    shown = subprocess.run([_PROGRAM, "-V"], capture_output=True, text=True, check=False).stderr
    version = next((word.strip(",") for word in shown.split() if word.startswith("OpenSSH_")), "unknown")
    return Found(version=version, how=_PROGRAM, path=Path(_PROGRAM))


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[SshServer]:
    """Run it on a free port for a user of its own."""
    Path("/run/sshd").mkdir(exist_ok=True)
    folder, port = workspace.folder, free_port()
    for name in ("host_key", "user_key", "certified_key", "stranger_key", "user_ca"):
        _keygen("-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name))
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    with system_user() as user, _jail(user.pw_uid) as jail:
        certified = str(folder / "certified_key.pub")
        _keygen("-s", str(folder / "user_ca"), "-I", "tests", "-n", user.pw_name, "-V", "-5m:+1d", certified)
        configuration = folder / "sshd_config"
        configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, user=user.pw_name, jail=jail))
        arguments = [str(found.path), "-D", "-e", "-f", str(configuration)]
        command = ServerCommand(arguments=arguments, folder=folder)
        with workspace.serve("sshd", command=command, probe=lambda: listens(port, greeting=b"SSH-2.0")) as process:
            server = SshServer(
                port=port,
                user=user.pw_name,
                root=jail,
                host_key=(folder / "host_key.pub").read_text().strip(),
                key_path=folder / "user_key",
                certificate_path=folder / "certified_key-cert.pub",
                certified_key_path=folder / "certified_key",
                stranger_key_path=folder / "stranger_key",
                process=process,
            )
            try:
                yield server
            finally:
                # The children of sshd outlive it while their clients are connected.
                server.end_sessions()


@contextmanager
def _jail(uid: int) -> Iterator[Path]:
    """A root for clients. sshd wants it and all folders above it to be root's alone, so it is not in /tmp."""
    jail = Path(tempfile.mkdtemp(prefix="finport-sftp-", dir="/srv"))
    try:
        jail.chmod(0o755)
        drop = jail / "drop"
        drop.mkdir()
        os.chown(drop, uid, uid)
        yield jail
    finally:
        shutil.rmtree(jail)


def _keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL)


SERVICE: Service[SshServer] = Service(
    name="sshd",
    summary="SFTP sources, chrooted, by key and by certificate",
    fixture="ssh_server",
    find=find,
    install=Install(apt=("openssh-server",)),
    start=start,
)


@pytest.fixture(scope="session")
def ssh_server(start_service: StartService) -> SshServer:
    """One sshd for the session."""
    return start_service(SERVICE)
