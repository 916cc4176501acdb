"""FTP servers: pyftpdlib, which tells facts (MLSD), and vsftpd, which does not and wants TLS sessions reused."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.certificates import Certificate
from tests.services.process import ServerCommand, ServerProcess, free_port, listens
from tests.services.service import Found, Install, Missing, Service, Workspace
from tests.services.system_user import system_user

if TYPE_CHECKING:
    from tests.services.plugin import StartService

_PROGRAM = Path(__file__).parent / "ftp_program.py"
_VSFTPD = "/usr/sbin/vsftpd"
_VSFTPD_CONFIGURATION = """\
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=NO
chroot_local_user=YES
local_root={root}
seccomp_sandbox=NO
pam_service_name=vsftpd
ssl_enable=YES
rsa_cert_file={certificate}
rsa_private_key_file={key}
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
pasv_min_port=0
use_localtime=NO
mdtm_write=NO
vsftpd_log_file={folder}/transfers.log
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpServer:
    """A running server. `root` is its `/` for clients."""

    port: int
    plain_port: int | None  # without TLS, where it offers that
    user: str
    password: str
    root: Path
    ca_path: Path
    process: ServerProcess
    log_path: Path  # of transfers and commands

    def folder(self) -> Path:
        """A new folder of the server."""
        folder = self.root / secrets.token_hex(6)
        folder.mkdir()
        return folder

    def path(self, folder: Path) -> str:
        """A folder as clients name it."""
        return f"/{folder.relative_to(self.root)}"


def find_pyftpdlib() -> Found | Missing:
    """The package, with pyOpenSSL beside it."""
    try:
        version("pyopenssl")
        return Found(version=version("pyftpdlib"), how=f"{sys.executable} {_PROGRAM.name}", path=_PROGRAM)
    except PackageNotFoundError as error:
        return Missing(reason=f"no package {error.name}")


def find_vsftpd() -> Found | Missing:
    """vsftpd, and root for the user that it needs."""
    if not Path(_VSFTPD).exists():
        return Missing(reason=f"there is no {_VSFTPD}")
    if os.geteuid() != 0:
        return Missing(reason="it knows the users of the system only, and to make one needs root")
    # It writes its version to descriptor 0, of all places.
    shown = subprocess.run(f"{_VSFTPD} -v 0>&1", shell=True, capture_output=True, text=True, check=False).stdout
    return Found(version=shown.split()[-1] if shown.split() else "unknown", how=_VSFTPD, path=Path(_VSFTPD))


@contextmanager
def start_pyftpdlib(workspace: Workspace, found: Found) -> Iterator[FtpServer]:
    """Run it on two free ports, with TLS 1.3 and without TLS."""
    folder, port, plain_port = workspace.folder, free_port(), free_port()
    root = folder / "root"
    root.mkdir()
    certificate = _in_one_file(workspace, folder / "server.pem")
    log_path = folder / "commands.log"
    arguments = [sys.executable, str(found.path), str(port), str(plain_port), str(root), str(certificate)]
    command = ServerCommand(
        arguments=[*arguments, str(log_path)], folder=folder, environment={**os.environ, "FTP_PASSWORD": PLANTED_SECRET}
    )
    with workspace.serve(
        "pyftpdlib",
        command=command,
        probe=lambda: listens(port, greeting=b"220") and listens(plain_port, greeting=b"220"),
    ) as process:
        yield FtpServer(
            port=port,
            plain_port=plain_port,
            user="finport",
            password=PLANTED_SECRET,
            root=root,
            ca_path=workspace.ca.ca_path,
            process=process,
            log_path=log_path,
        )


@contextmanager
def start_vsftpd(workspace: Workspace, found: Found) -> Iterator[FtpServer]:
    """Run it on a free port for a user of its own."""
    folder, port = workspace.folder, free_port()
    issued = workspace.ca.issue("vsftpd")
    with system_user(password=PLANTED_SECRET, shell="/bin/bash") as user, _world_readable() as root:
        configuration = folder / "vsftpd.conf"
        configuration.write_text(
            _VSFTPD_CONFIGURATION.format(
                port=port, root=root, folder=folder, certificate=issued.certificate_path, key=issued.key_path
            )
        )
        # With a descriptor 0 that leads nowhere, it ends without a word.
        shell = f'exec "$0" "$1" 0>"{folder}/standard-input"'
        command = ServerCommand(arguments=["/bin/sh", "-c", shell, str(found.path), str(configuration)], folder=folder)
        with workspace.serve("vsftpd", command=command, probe=lambda: listens(port, greeting=b"220")) as process:
            try:
                yield FtpServer(
                    port=port,
                    plain_port=None,
                    user=user.pw_name,
                    password=PLANTED_SECRET,
                    root=root,
                    ca_path=workspace.ca.ca_path,
                    process=process,
                    log_path=folder / "transfers.log",
                )
            finally:
                sessions = psutil.Process(process.pid).children(recursive=True)
                for session in sessions:
                    session.kill()
                # It takes their exit while it runs; afterwards nobody does.
                psutil.wait_procs(sessions, timeout=5)


@contextmanager
def _world_readable() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="finport-ftp-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root)


def _in_one_file(workspace: Workspace, path: Path) -> Path:
    issued: Certificate = workspace.ca.issue("pyftpdlib")
    path.touch(mode=0o600)
    path.write_bytes(issued.key_path.read_bytes() + issued.certificate_path.read_bytes())
    return path


SERVICE: Service[FtpServer] = Service(
    name="pyftpdlib",
    summary="FTP and FTPS sources, with facts",
    fixture="ftp_server",
    find=find_pyftpdlib,
    install=Install(lock=("pyftpdlib", "pyopenssl")),
    start=start_pyftpdlib,
)


@pytest.fixture(scope="session")
def ftp_server(start_service: StartService) -> FtpServer:
    """One pyftpdlib for the session."""
    return start_service(SERVICE)
