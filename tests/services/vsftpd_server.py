"""vsftpd: FTPS that tells names only, and wants the TLS session of the control connection on every data connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.ftp_server import FtpServer, find_vsftpd, start_vsftpd
from tests.services.service import Install, Service

if TYPE_CHECKING:
    from tests.services.plugin import StartService

SERVICE: Service[FtpServer] = Service(
    name="vsftpd",
    summary="FTPS sources, without facts, TLS sessions reused",
    fixture="vsftpd_server",
    find=find_vsftpd,
    install=Install(apt=("vsftpd",)),
    start=start_vsftpd,
)


@pytest.fixture(scope="session")
def vsftpd_server(start_service: StartService) -> FtpServer:
    """One vsftpd for the session."""
    return start_service(SERVICE)
