"""An API key whose secret signs each request (HMAC), as exchanges want it.

What is signed is a template over the request; where the parts of the signature are sent, the document says:

```yaml
auth:
  method: hmac
  algorithm: sha256
  payload: "{timestamp}{method}{target}{body}"
  secretEncoding: base64
  signature: {header: CB-ACCESS-SIGN, encoding: base64}
  key: {header: CB-ACCESS-KEY}
  timestamp: {unit: seconds, header: CB-ACCESS-TIMESTAMP}
  passphrase: {header: CB-ACCESS-PASSPHRASE}
```

The key is the connection's login, the secret its password, the passphrase `passphrase` in its extra. Places of the
template: `{timestamp} {nonce} {key} {method} {host} {path} {query} {target} {body} {digest}`; `query` holds what the
signature itself adds to it, `digest` is a hash over a template of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from typing import Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Request
from finport_ingestion.engine.auth.moments import NonceOptions, Nonces, TimestampOptions, spelled
from finport_ingestion.engine.auth.signing import with_headers, with_parameters
from finport_ingestion.engine.auth.template import OF_REQUEST, filled, parts_of, unknown_places
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import AuthOptions

Hash = Literal["sha1", "sha256", "sha384", "sha512"]
Encoding = Literal["hex", "base64"]
_PLACES = (*OF_REQUEST, "timestamp", "nonce", "key")


class Place(Spec):
    """Where a part is sent: a header, or a parameter of the query."""

    header: str | None = Field(default=None, description="Header that takes it.")
    parameter: str | None = Field(default=None, description="Query parameter that takes it.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("state either 'header' or 'parameter'")
        return self


class SignaturePlace(Place):
    """Where the signature is sent, and how it is written."""

    encoding: Encoding = Field(default="hex", description="Of the signature.")


class PassphrasePlace(Place):
    """Where the passphrase is sent."""

    signed: bool = Field(default=False, description="It is not sent itself, but its own HMAC, in base64.")


class Digest(Spec):
    """A hash that becomes a part of what is signed."""

    algorithm: Hash = Field(default="sha256", description="Of the hash.")
    payload: str = Field(description="A template, as the payload.")
    encoding: Literal["raw", "hex", "base64"] = Field(default="raw", description="How it stands in the payload.")


class HmacOptions(AuthOptions):
    """What is signed, and where signature, key, time and nonce are sent."""

    method: Literal["hmac"]
    connection: str | None = Field(default=None, description="Connection with key and secret; the source's by default.")
    algorithm: Hash = Field(default="sha256", description="Of the signature.")
    payload: str = Field(description="Template of what is signed.")
    digest: Digest | None = Field(default=None, description="What {digest} stands for.")
    secret_encoding: Literal["text", "base64", "hex"] = Field(default="text", description="How the secret is written.")
    signature: SignaturePlace = Field(description="Where it is sent.")
    key: Place = Field(description="Where the key is sent.")
    timestamp: TimestampOptions | None = Field(default=None, description="How the time is written, and sent.")
    nonce: NonceOptions | None = Field(default=None, description="A number or name that is used once.")
    passphrase: PassphrasePlace | None = Field(default=None, description="Where the passphrase is sent.")

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        known = tuple(
            name
            for name in (*_PLACES, "digest")
            if name not in ("timestamp", "nonce", "digest") or getattr(self, name) is not None
        )
        inner = tuple(name for name in known if name != "digest")
        unknown = unknown_places(self.payload, known)
        unknown += unknown_places(self.digest.payload, inner) if self.digest else []
        if unknown:
            raise ValueError(f"the payload names {{{unknown[0]}}}; here there are {', '.join(known)}")
        return self


class Hmac:
    """See the module."""

    Options = HmacOptions

    def __init__(self, options: HmacOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant

    def signer(self) -> HmacSigner:
        """A signature on each request.

        Raises:
            ConfigError: Key, secret or passphrase is missing, or the secret is not written as stated.
        """
        signer = HmacSigner(self._options, self._grant)
        signer.check()
        return signer

    def prepare(self, tls: ssl.SSLContext) -> None:
        """Nothing to load."""


class HmacSigner:
    """Signs each request at its time. May be called from any thread."""

    def __init__(self, options: HmacOptions, grant: Grant) -> None:
        self._options = options
        self._grant = grant
        self._credentials = Credentials(grant)
        login = grant.connection.login if grant.connection else None
        self._nonces = Nonces(options.nonce, grant.clock, key=login or "") if options.nonce else None

    def check(self) -> None:
        """Raise ConfigError where the connection lacks something."""
        self._credentials.login()
        self._secret()
        if self._options.passphrase:
            self._credentials.needed("passphrase")

    def signed(self, request: Request) -> Request:
        options, more = self._options, {"key": self._credentials.login().encode()}
        request = _placed(request, options.key, self._credentials.login())
        if options.timestamp:
            text = spelled(self._grant.clock.now(), options.timestamp.unit)
            more["timestamp"] = text.encode()
            request = _placed(request, options.timestamp, text)
        if self._nonces and options.nonce:
            text = self._nonces.next()
            more["nonce"] = text.encode()
            request = _placed(request, options.nonce, text)
        if options.passphrase:
            request = _placed(request, options.passphrase, self._passphrase(signed=options.passphrase.signed))
        parts = {**parts_of(request), **more}
        if options.digest:
            parts["digest"] = _digest(options.digest, parts)
        made = hmac.new(self._secret(), filled(options.payload, parts), options.algorithm).digest()
        return _placed(request, options.signature, _written(made, options.signature.encoding).decode())

    def renew(self, rejected: Request) -> bool:
        """Whether the connection holds another key by now."""
        return self._credentials.reread()

    def _passphrase(self, *, signed: bool) -> str:
        passphrase = self._credentials.needed("passphrase")
        if not signed:
            return passphrase
        return base64.b64encode(
            hmac.new(self._secret(), passphrase.encode(), self._options.algorithm).digest()
        ).decode()

    def _secret(self) -> bytes:
        text, encoding = self._credentials.password(), self._options.secret_encoding
        try:
            if encoding == "base64":
                return base64.b64decode(text, validate=True)
            return bytes.fromhex(text) if encoding == "hex" else text.encode()
        except ValueError:
            raise ConfigError(
                f"{self._grant.source}: the password of {self._credentials.place} is not written in {encoding}.",
                hint="copy the secret as the provider shows it, or correct secretEncoding",
            ) from None


def _placed(request: Request, place: Place | TimestampOptions | NonceOptions, value: str) -> Request:
    if isinstance(place, NonceOptions) and place.form:
        return place.in_form(request, value)
    if place.header:
        return with_headers(request, {place.header: value})
    return with_parameters(request, {place.parameter: value}) if place.parameter else request


def _digest(digest: Digest, parts: dict[str, bytes]) -> bytes:
    made = hashlib.new(digest.algorithm, filled(digest.payload, parts)).digest()
    return made if digest.encoding == "raw" else _written(made, digest.encoding)


def _written(made: bytes, encoding: Encoding) -> bytes:
    return base64.b64encode(made) if encoding == "base64" else made.hex().encode()
