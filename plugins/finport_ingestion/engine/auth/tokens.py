"""Tokens that all tasks and processes share: fetched once, renewed ahead of their end, sealed where they lie."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.auth.sealing import opened, seal
from finport_ingestion.engine.auth.vault import OF_THIS_PROCESS, Kept, TokenVault
from finport_ingestion.engine.errors import AccessDenied, SchemaOutdated, SourceUnavailable, StateUnavailable
from finport_ingestion.engine.events.event import EventType

log = logging.getLogger(__name__)

_AHEAD = timedelta(seconds=60)
_AHEAD_SHARE = 0.1
_CLAIM_SECONDS = 120.0  # longer than any request for a token; what is left of it when its holder dies elsewhere
_POLL_SECONDS = 0.25
_SAVE_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token server gave. Times are aware."""

    text: str = field(repr=False)
    renew_at: datetime | None = None  # a little before its end; None: the server does not say when, a 401 will
    ends_at: datetime | None = None
    refresh: str | None = field(default=None, repr=False)  # a refresh token, where the server gave one
    origin: str = ""  # which grant it goes back to; a new grant makes it worthless

    @staticmethod
    def lasting(
        text: str, *, seconds: float | None, since: datetime, refresh: str | None = None, origin: str = ""
    ) -> Token:
        """One that ends `seconds` after `since`: renewed a minute earlier, or a tenth of that time if it is less."""
        if seconds is None:
            return Token(text=text, refresh=refresh, origin=origin)
        lifetime = timedelta(seconds=seconds)
        ends_at, ahead = since + lifetime, min(_AHEAD, lifetime * _AHEAD_SHARE)
        return Token(text=text, renew_at=ends_at - ahead, ends_at=ends_at, refresh=refresh, origin=origin)

    def to_json(self) -> bytes:
        """For the vault."""
        return json.dumps(asdict(self), default=datetime.isoformat).encode()

    @staticmethod
    def from_json(content: bytes) -> Token:
        """What `to_json` gave."""
        fields = json.loads(content)
        times = {name: datetime.fromisoformat(fields[name]) for name in ("renew_at", "ends_at") if fields[name]}
        return Token(**{**fields, **times})


class TokenSource(Protocol):
    """A way to get a token. Called by one thread of one process at a time."""

    @property
    def rotates(self) -> bool:
        """Whether what comes with one token is needed for the next: then nothing is fetched that cannot be kept."""
        ...

    def identity(self) -> Sequence[str]:
        """What tells its tokens from others: addresses, names, scopes. No secrets."""
        ...

    def secret(self) -> bytes:
        """The client's own secret, which seals its tokens."""
        ...

    def origin(self) -> str:
        """See Token."""
        ...

    def reread(self) -> bool:
        """Read the credentials anew; whether they are others now."""
        ...

    def fetch(self, kept: Token | None) -> Token:
        """A new token, by means of the last one if need be.

        Raises:
            AccessDenied: The server refuses. SourceUnavailable, RateLimited: not now.
        """
        ...


class SharedTokens:
    """The tokens of one source of tokens. May be called from any thread."""

    def __init__(self, source: TokenSource, grant: Grant) -> None:
        self._source = source
        self._grant = grant
        self._own: Token | None = None

    def current(self) -> str:
        """A token that is good for a while.

        Raises:
            AccessDenied: The token server knows neither id nor secret, or refuses what is asked for.
            SourceUnavailable: It does not answer, or not now.
            StateUnavailable: A rotated refresh token could not be kept.
        """
        own = self._own
        return own.text if own and self._is_fresh(own) else self._obtained(rejected=None)

    def renewed(self, rejected: str) -> str:
        """Another one than `rejected`, which somebody may have fetched already. Raises as `current`."""
        return self._obtained(rejected=rejected)

    def keep(self, token: Token) -> None:
        """Put a token in the vault that came in another way, such as a person's consent."""
        with self._claim_of(self._vault()) as name:
            self._save(self._vault(), name, token, after=self._vault().look(name).version)
        self._own = token
        self._tell(token)

    def _vault(self) -> TokenVault:
        return self._grant.vault or OF_THIS_PROCESS

    def _obtained(self, *, rejected: str | None) -> str:
        try:
            token = self._from(self._vault(), rejected=rejected)
        except (StateUnavailable, SchemaOutdated) as error:
            if self._source.rotates:
                raise
            log.warning("%s: tokens are not shared now: %s", self._grant.source, error.message)
            token = self._from(OF_THIS_PROCESS, rejected=rejected)
        self._own = token
        return token.text

    def _from(self, vault: TokenVault, *, rejected: str | None) -> Token:
        """The kept token, or a new one; while another one fetches it, the old one for as long as it is good."""
        waited = 0.0
        while True:
            name = _name(self._source.identity())
            kept = self._opened(vault.look(name), name)
            if kept and kept.text != rejected and self._is_fresh(kept):
                return kept
            claim = vault.claim(name, seconds=_CLAIM_SECONDS)
            if claim:
                try:
                    return self._fetched(vault, name, rejected=rejected)
                finally:
                    vault.give_back(name, claim=claim)
            if kept and kept.text not in (rejected, "") and self._is_good(kept):
                return kept
            waited += self._wait(waited)

    def _wait(self, waited: float) -> float:
        deadline = self._grant.deadline
        if deadline:
            deadline.check()
        if waited > 2 * _CLAIM_SECONDS:
            raise SourceUnavailable(
                f"{self._grant.source}: another process has been fetching a token for {waited:.0f} s.", hint="try later"
            )
        self._grant.clock.sleep(_POLL_SECONDS)
        return _POLL_SECONDS

    def _fetched(self, vault: TokenVault, name: str, *, rejected: str | None) -> Token:
        """A new token, kept. Only who holds the claim may be here."""
        found = vault.look(name)
        kept = self._opened(found, name)
        if kept and kept.text != rejected and self._is_fresh(kept):
            return kept
        try:
            token = self._source.fetch(kept)
        except AccessDenied:
            changed = self._source.reread()
            name, now, other = self._again(vault)
            if other and other.text != rejected and self._is_fresh(other):
                return other  # somebody whose claim had run out was only slow
            if not changed:
                raise
            # The credentials were rotated: what they named and sealed counts no more.
            found, token = now, self._source.fetch(other)
        self._save(vault, name, token, after=found.version)
        self._tell(token)
        return token

    def _again(self, vault: TokenVault) -> tuple[str, Kept, Token | None]:
        name = _name(self._source.identity())
        found = vault.look(name)
        return name, found, self._opened(found, name)

    def _save(self, vault: TokenVault, name: str, token: Token, *, after: int) -> None:
        sealed = seal(token.to_json(), secret=self._source.secret(), name=name)
        for number in range(1, _SAVE_TRIES + 1):
            try:
                vault.keep(name, sealed, after=after)
            except StateUnavailable:
                if number == _SAVE_TRIES or not self._source.rotates:
                    raise
                # The server has forgotten the old refresh token by now: this one is worth some patience.
                self._grant.clock.sleep(2.0**number)
            else:
                return

    def _tell(self, token: Token) -> None:
        ends_at = token.ends_at.isoformat() if token.ends_at else None
        self._grant.told(EventType.TOKEN_OBTAINED, ends_at=ends_at)

    @contextmanager
    def _claim_of(self, vault: TokenVault) -> Iterator[str]:
        name, waited = _name(self._source.identity()), 0.0
        while not (claim := vault.claim(name, seconds=_CLAIM_SECONDS)):
            waited += self._wait(waited)
        try:
            yield name
        finally:
            vault.give_back(name, claim=claim)

    def _opened(self, kept: Kept, name: str) -> Token | None:
        content = opened(kept.sealed, secret=self._source.secret(), name=name) if kept.sealed else None
        token = Token.from_json(content) if content else None
        return token if token and token.origin == self._source.origin() else None

    def _is_fresh(self, token: Token) -> bool:
        return bool(token.text) and (token.renew_at is None or self._grant.clock.now() < token.renew_at)

    def _is_good(self, token: Token) -> bool:
        return token.ends_at is None or self._grant.clock.now() < token.ends_at


def _name(identity: Sequence[str]) -> str:
    """The name in the vault: it tells nothing of addresses and clients."""
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()
