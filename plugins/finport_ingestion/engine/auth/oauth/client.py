"""A client of a token server: how it proves itself, and the requests that it sends there."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote_plus, urlencode, urlsplit

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Grant, Reply, Request
from finport_ingestion.engine.auth.keys import signed_jwt
from finport_ingestion.engine.auth.oauth.answers import token_of
from finport_ingestion.engine.auth.oauth.discovery import absolute, endpoint
from finport_ingestion.engine.auth.oauth.options import TokenServerOptions
from finport_ingestion.engine.auth.tokens import Token

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = timedelta(seconds=60)
_BY_JWT = ("private_key_jwt", "client_secret_jwt")


class OAuthClient:
    """See the module. `options` say which client of which server; no token is kept here."""

    def __init__(self, options: TokenServerOptions, grant: Grant, credentials: Credentials) -> None:
        self._options = options
        self._grant = grant
        self._credentials = credentials

    def check(self) -> None:
        """Raise ConfigError where id, secret or the address of the token server is missing or unsafe."""
        self.identity()
        self.secret()

    def identity(self) -> tuple[str, ...]:
        """What tells this client's tokens from others."""
        options = self._options
        server = options.issuer or absolute(str(options.token_url), self._grant, key="tokenUrl")
        extras = (f"{name}={value}" for name, value in sorted(options.parameters.items()))
        return (options.method, server, self.client_id(), *options.scopes, "", options.audience or "", *extras)

    def client_id(self) -> str:
        """As the server knows it."""
        return self._options.client_id or self._credentials.login()

    def secret(self) -> bytes:
        """What only this client has: its secret, or the text `lock` of the extra, which outlives a rotated secret."""
        lock = self._credentials.stated("lock")
        if lock:
            return lock.encode()
        file = "client_key_file" if self._options.client_authentication == "tls" else "private_key_file"
        return self._credentials.file(file) or self._client_secret().encode()

    def url(self, name: str = "token_endpoint") -> str:
        """The address of the token server, or the one that its issuer states as `name`. It may ask the issuer."""
        options = self._options
        if options.token_url and name == "token_endpoint":
            return absolute(options.token_url, self._grant, key="tokenUrl")
        by_certificate = options.client_authentication == "tls"
        return endpoint(name, str(options.issuer), self._grant, by_certificate=by_certificate)

    def token(self, form: Mapping[str, str]) -> Token:
        """What the server gives for a grant. Raises as `token_of`."""
        asked_at = self._grant.clock.now()
        url = self.url()
        reply = self.post(url, {**form, **self.asked_for()})
        return token_of(reply, what=self.what(url), check=self.to_check(), asked_at=asked_at)

    def asked_for(self) -> dict[str, str]:
        """Scopes, audience and what else the document wants to be told."""
        options = self._options
        fields = {"scope": " ".join(options.scopes)} if options.scopes else {}
        return fields | ({"audience": options.audience} if options.audience else {}) | options.parameters

    def post(self, url: str, form: Mapping[str, str]) -> Reply:
        """Send a form in which, or beside which, the client proves itself."""
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        fields = dict(form)
        if self._options.client_authentication == "basic":
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(self.client_id())}:{quote_plus(self._client_secret())}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": self.client_id(), **self._proof(url)}
        return self._grant.send(Request(method="POST", url=url, headers=headers, body=urlencode(fields).encode()))

    def what(self, url: str) -> str:
        """A request as messages name it."""
        address = urlsplit(url)
        return f"{self._grant.source}: POST {address.path} (token) at {address.netloc.rpartition('@')[2]}"

    def to_check(self) -> str:
        """What to look at when the server refuses the client."""
        proof = "private key" if self._options.client_authentication == "private_key_jwt" else "secret"
        return f"client id and {proof} (login and password of {self._credentials.place})"

    def _proof(self, url: str) -> dict[str, str]:
        if self._options.client_authentication == "post":
            return {"client_secret": self._client_secret()}
        if self._options.client_authentication in _BY_JWT:
            return {"client_assertion_type": _ASSERTION, "client_assertion": self._assertion(url)}
        return {}

    def _assertion(self, url: str) -> str:
        # OpenID Connect Core names the endpoint as audience, newer drafts the issuer, which may be known here.
        audience = self._options.issuer or url
        identity = self.client_id()
        options, now = self._options, self._grant.clock.now()
        algorithm = options.algorithm
        if options.client_authentication == "client_secret_jwt" and not algorithm.startswith("HS"):
            algorithm = "HS256"
        return signed_jwt(
            {"iss": identity, "sub": identity, "aud": audience},
            credentials=self._credentials,
            algorithm=algorithm,
            now=now,
            lifetime=_LIFETIME,
            key_id=options.key_id,
        )

    def _client_secret(self) -> str:
        return self._options.client_secret or self._credentials.password()


class ClientTokens:
    """Tokens for one grant type: `form` says how each is asked for. A TokenSource."""

    rotates = False

    def __init__(self, client: OAuthClient, credentials: Credentials, form: Mapping[str, str]) -> None:
        self._client = client
        self._credentials = credentials
        self._form = form

    def identity(self) -> tuple[str, ...]:
        return self._client.identity()

    def secret(self) -> bytes:
        return self._client.secret()

    def origin(self) -> str:
        return ""

    def reread(self) -> bool:
        return self._credentials.reread()

    def fetch(self, kept: Token | None) -> Token:
        return self._client.token(self._form)
