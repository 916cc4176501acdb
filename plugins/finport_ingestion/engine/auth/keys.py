"""Private keys and shared secrets that sign JSON Web Tokens, and the tokens that they sign."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from joserfc.jwk import Key

_BACKDATED = timedelta(seconds=10)
"""A token is issued so long ago: the server's clock may be a little behind ours."""


def key_text(credentials: Credentials) -> str:
    """The private key (PEM) or shared secret: the file `private_key_file` of the connection's extra, or its password.

    Raises:
        ConfigError: There is none, or the file cannot be read.
    """
    content = credentials.file("private_key_file")
    if content is not None:
        return content.decode("ascii", errors="replace")
    text = credentials.password()
    # Forms and variables that hold one line only are given its line ends as they are written in C.
    return text.replace("\\n", "\n") if text.lstrip().startswith("-----BEGIN") else text


def signed_jwt(
    claims: Mapping[str, Any],
    *,
    credentials: Credentials,
    algorithm: str,
    now: datetime,
    lifetime: timedelta,
    key_id: str | None = None,
) -> str:
    """A JWT of these claims with `iat`, `exp` and a `jti` that is used once.

    Raises:
        ConfigError: The connection holds no key that fits the algorithm.
    """
    from joserfc import jwt
    from joserfc.errors import SecurityWarning

    header = {"alg": algorithm} | ({"kid": key_id} if key_id else {})
    issued = int((now - _BACKDATED).timestamp())
    times = {"iat": issued, "exp": int((now + lifetime).timestamp()), "jti": secrets.token_hex(16)}
    key = _key(credentials, algorithm)
    with warnings.catch_warnings():
        # The name EdDSA is giving way to Ed25519 (RFC 9864), which servers do not know yet.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(header, {**times, **claims}, key, algorithms=[algorithm])


def _key(credentials: Credentials, algorithm: str) -> Key:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

    text, passphrase = key_text(credentials), credentials.stated("private_key_passphrase")
    if algorithm.startswith("HS"):
        return OctKey.import_key(text)
    kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey}
    try:
        key: Key | None = kinds[algorithm[:2]].import_key(text, password=passphrase)
    except (ValueError, TypeError, JoseError):
        key = None  # the library's text may quote the key: it is not repeated
    if key is None or not key.is_private:
        raise ConfigError(
            f"{credentials.source}: {credentials.place} holds no private key for {algorithm}.",
            hint="put the key (PEM) in its password, or name its file as private_key_file in the extra; a passphrase"
            " goes into private_key_passphrase",
        )
    return key
