"""Tokens at rest: sealed with a key that comes from the client's own secret, which is stored nowhere beside them.

What is sealed can be neither read nor replaced without that secret, nor moved to another name. A changed secret opens
nothing any more, and a new token is fetched.
"""

from __future__ import annotations

import os

_FORM = b"\x01"
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32
_PURPOSE = b"finport token vault"


def seal(plain: bytes, *, secret: bytes, name: str) -> bytes:
    """`plain` for nobody but who has `secret`, under this name only (AES-256-GCM, key by HKDF-SHA256)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    return _FORM + salt + nonce + AESGCM(_key(secret, salt)).encrypt(nonce, plain, _FORM + name.encode())


def opened(sealed: bytes, *, secret: bytes, name: str) -> bytes | None:
    """What was sealed; None if it was with another secret, under another name, or is damaged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = len(_FORM) + _SALT_BYTES + _NONCE_BYTES
    if not sealed.startswith(_FORM) or len(sealed) < head:
        return None
    salt, nonce = sealed[len(_FORM) : len(_FORM) + _SALT_BYTES], sealed[len(_FORM) + _SALT_BYTES : head]
    try:
        return AESGCM(_key(secret, salt)).decrypt(nonce, sealed[head:], _FORM + name.encode())
    except InvalidTag:
        return None


def _key(secret: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_PURPOSE).derive(secret)
