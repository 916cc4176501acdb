"""The second factor: codes by time (TOTP, RFC 6238), for methods that log in with login and password."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.clock import Clock
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import Spec

if TYPE_CHECKING:
    from pyotp import TOTP

_LEAST_BITS = 112
_used: dict[str, int] = {}
_lock = threading.Lock()


class OtpOptions(Spec):
    """A code beside the password, from the secret `otp_secret` (base32) in the connection's extra."""

    header: str | None = Field(default=None, description="Header that takes the code.")
    parameter: str | None = Field(default=None, description="Field of the login, or query parameter, that takes it.")
    append: bool = Field(default=False, description="The code is written behind the password.")
    digits: int = Field(default=6, ge=6, le=8, description="Of a code.")
    period_seconds: int = Field(default=30, ge=15, le=300, description="How long a code lasts.")
    algorithm: Literal["sha1", "sha256", "sha512"] = Field(default="sha1", description="Of the codes.")


class Codes:
    """The codes of one connection."""

    def __init__(self, options: OtpOptions, credentials: Credentials, clock: Clock) -> None:
        self._options = options
        self._credentials = credentials
        self._clock = clock

    def current(self) -> str:
        """The code of this moment; the same for all that ask within its period.

        Raises:
            ConfigError: The connection has no secret, or one that is none.
        """
        return self._totp().at(self._seconds())

    def unused(self) -> str:
        """A code that this process has not given out here before: a login refuses one that it has seen.

        It may wait for the next period. Raises as `current`.
        """
        totp = self._totp()
        name = hashlib.sha256(self._credentials.needed("otp_secret").encode()).hexdigest()
        with _lock:
            period = self._options.period_seconds
            counter = self._seconds() // period
            if counter <= _used.get(name, -1):
                counter = _used[name] + 1
                self._clock.sleep(counter * period - self._clock.now().timestamp())
            _used[name] = counter
            return totp.at(counter * period)

    def _seconds(self) -> int:
        return int(self._clock.now().timestamp())

    def _totp(self) -> TOTP:
        import pyotp

        options, secret = self._options, self._credentials.needed("otp_secret").replace(" ", "")
        digest: Any = getattr(hashlib, options.algorithm)
        try:
            return pyotp.TOTP(secret, digits=options.digits, digest=digest, interval=options.period_seconds)
        except ValueError:
            raise ConfigError(
                f"{self._credentials.source}: otp_secret of {self._credentials.place} is no base32 text of at least"
                f" {_LEAST_BITS} bits.",
                hint="copy the secret that the provider shows beside the QR code",
            ) from None
