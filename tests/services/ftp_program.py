"""A server program: pyftpdlib with TLS 1.3 on one port, and without TLS on another.

Arguments: the two ports, the root folder, a PEM file with key and certificate, and where commands are logged. The
password of its one user comes in FTP_PASSWORD. A file with `dies-at-<n>` in its name breaks the first session that
has been sent so many bytes of it; one with `stalls-at-<n>` is never sent any further.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

_FATE = re.compile(r"(dies|stalls)-at-(\d+)")


class Fated(TLS_DTPHandler):  # type: ignore[misc]
    """Sends a file as far as its name says."""

    _sent_bytes = 0

    def send(self, content: bytes) -> Any:
        """The next bytes, or none."""
        name = getattr(self.file_obj, "name", "")
        fate = _FATE.search(str(name))
        if fate and self._sent_bytes >= int(fate[2]):
            if fate[1] == "stalls":
                return 0
            died = Path(f"{name}.died")
            if not died.exists():
                died.touch()
                self.cmd_channel.close()
                return 0
        sent = super().send(content)
        self._sent_bytes += int(sent)
        return sent


def main() -> None:
    """Serve until stopped."""
    port, plain_port, root, certificate, log_path = sys.argv[1:6]
    logging.basicConfig(filename=log_path, level=logging.DEBUG)
    authorizer = DummyAuthorizer()
    authorizer.add_user("finport", os.environ["FTP_PASSWORD"], root, perm="elr")
    secured: Any = TLS_FTPHandler
    secured.tls_control_required = secured.tls_data_required = True
    secured.dtp_handler = Fated
    secured.certfile = certificate
    secured.get_ssl_context().set_min_proto_version(SSL.TLS1_3_VERSION)
    plain: Any = FTPHandler
    plain.authorizer = secured.authorizer = authorizer
    plain.auth_failed_timeout = secured.auth_failed_timeout = 0
    # Behind an address translation, badly configured: clients have to know better.
    secured.masquerade_address = "10.11.12.13"
    loop = IOLoop()
    FTPServer(("127.0.0.1", int(port)), secured, ioloop=loop)
    FTPServer(("127.0.0.1", int(plain_port)), plain, ioloop=loop)
    loop.loop()


if __name__ == "__main__":
    main()
