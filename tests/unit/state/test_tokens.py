"""Tokens that all processes share: one fetches, a dead one is not waited for, and nothing lies open in the database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from finport_ingestion.engine.auth.interface import Grant, Reply, Request
from finport_ingestion.engine.auth.tokens import SharedTokens, Token
from finport_ingestion.engine.auth.vault import Kept, LocalVault, TokenVault
from finport_ingestion.engine.clock import Clock, SystemClock
from finport_ingestion.engine.errors import AccessDenied, StateUnavailable
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.state.tables import TOKENS
from tests.conformance.sources.access import PLANTED_SECRET
from tests.unit.state.parts import HandClock
from tests.unit.state.worker import FOREVER_SECONDS, Say, started

SERVER = "https://login.example/token"


def grant(clock: Clock, vault: TokenVault) -> Grant:
    def send(request: Request) -> Reply:
        raise AssertionError("nothing is sent here")

    return Grant(source="prices", connection=None, clock=clock, send=send, vault=vault)


class Server:
    """A token server that is a file: each line a token it gave. It rotates refresh tokens, and takes each once."""

    rotates = True

    def __init__(self, log: Path, clock: Clock, *, slow_seconds: float = 0, secret: str = PLANTED_SECRET) -> None:
        self.log = log
        self.clock = clock
        self.slow_seconds = slow_seconds
        self.password = secret
        self.before: Callable[[], None] = lambda: None

    def identity(self) -> tuple[str, ...]:
        return (SERVER, "finport")

    def secret(self) -> bytes:
        return self.password.encode()

    def origin(self) -> str:
        return "first"

    def reread(self) -> bool:
        return False

    def fetch(self, kept: Token | None) -> Token:
        self.before()
        given = self.log.read_text().split() if self.log.exists() else []
        expected = given[-1] if given else "first"
        refresh = kept.refresh if kept else "first"
        time.sleep(self.slow_seconds)
        if refresh != expected:
            raise AccessDenied("prices: the refresh token was used already.")
        with self.log.open("a") as log:
            log.write(f"refresh-{len(given)}\n")
        fields = {"refresh": f"refresh-{len(given)}", "origin": "first"}
        return Token.lasting(f"token-{len(given)}", seconds=600, since=self.clock.now(), **fields)


def tokens(state: State, log: Path, clock: Clock, **how: object) -> SharedTokens:
    return SharedTokens(Server(log, clock, **how), grant(clock, state.tokens))  # type: ignore[arg-type]


def test_a_token_is_shared_and_renewed_ahead_of_its_end(state: State, clock: HandClock, tmp_path: Path) -> None:
    one, other = (tokens(state, tmp_path / "log", clock) for _ in range(2))
    assert (one.current(), other.current()) == ("token-0", "token-0")
    clock.advance(seconds=541)
    assert (one.current(), other.current()) == ("token-1", "token-1")
    assert other.renewed("token-1") == "token-2"
    assert one.renewed("token-1") == "token-2"


def test_nothing_in_the_database_can_be_read_without_the_secret(
    state: State, state_url: str, clock: HandClock, tmp_path: Path
) -> None:
    tokens(state, tmp_path / "log", clock).current()
    with Database(state_url).read() as connection:
        (row,) = connection.execute(sa.select(TOKENS)).all()
    for text in ("token-0", "refresh-0", "login.example", "finport", PLANTED_SECRET):
        assert text.encode() not in row.sealed
        assert text not in row.key
    with pytest.raises(AccessDenied):
        tokens(state, tmp_path / "log", clock, secret="another").current()


def test_while_one_renews_the_others_use_the_old_one_as_long_as_it_is_good(
    state: State, clock: HandClock, tmp_path: Path
) -> None:
    one = tokens(state, tmp_path / "log", clock)
    one.current()
    name = _name(state)
    claim = state.tokens.claim(name, seconds=3600)
    clock.advance(seconds=541)
    assert tokens(state, tmp_path / "log", clock).current() == "token-0"
    state.tokens.give_back(name, claim=str(claim))
    assert tokens(state, tmp_path / "log", clock).current() == "token-1"


def test_a_claim_is_had_once_until_it_is_given_back_or_over(state: State, clock: HandClock) -> None:
    first = state.tokens.claim("key", seconds=60)
    assert first
    assert state.tokens.claim("key", seconds=60) is None
    assert state.tokens.claim("another", seconds=60)
    clock.advance(seconds=60)
    second = state.tokens.claim("key", seconds=60)
    assert second
    state.tokens.give_back("key", claim=first)  # too late: it is another one's
    assert state.tokens.claim("key", seconds=60) is None
    state.tokens.give_back("key", claim=second)
    assert state.tokens.claim("key", seconds=60)


@pytest.mark.parametrize("local", [False, True])
def test_what_was_kept_since_is_not_overwritten(state: State, local: bool) -> None:
    vault: TokenVault = LocalVault() if local else state.tokens
    assert vault.look("key") == Kept()
    assert vault.keep("key", b"one", after=0)
    assert not vault.keep("key", b"two", after=0)
    assert vault.look("key") == Kept(sealed=b"one", version=1)
    assert vault.keep("key", b"two", after=1)
    assert vault.look("key") == Kept(sealed=b"two", version=2)


def test_many_processes_fetch_one_token(state: State, state_url: str, tmp_path: Path) -> None:
    def work(say: Say) -> None:
        say(tokens(State(state_url, SystemClock()), tmp_path / "log", SystemClock(), slow_seconds=0.3).current())

    with started(*[work] * 6) as children:
        assert {child.said() for child in children} == {"token-0"}
    assert (tmp_path / "log").read_text() == "refresh-0\n"


def test_a_process_that_is_killed_while_it_fetches_is_not_waited_for(
    state: State, state_url: str, tmp_path: Path
) -> None:
    def work(say: Say) -> None:
        shared = tokens(State(state_url, SystemClock()), tmp_path / "log", SystemClock())

        def hang() -> None:
            say("fetching")
            time.sleep(FOREVER_SECONDS)

        shared._source.before = hang  # type: ignore[attr-defined]
        shared.current()

    with started(work) as (child,):
        assert child.said() == "fetching"
        child.kill()
        clock = SystemClock()
        began = clock.now()
        assert tokens(State(state_url, clock), tmp_path / "log", clock).current() == "token-0"
        assert clock.now() - began < timedelta(seconds=60), "the claim of a living process lasts two minutes"


def test_a_rotated_refresh_token_outlives_the_process_that_got_it(state: State, state_url: str, tmp_path: Path) -> None:
    def work(say: Say) -> None:
        shared = tokens(State(state_url, SystemClock()), tmp_path / "log", SystemClock())
        shared.current()
        shared.renewed("token-0")
        say("renewed")
        os.abort()

    with started(work) as (child,):
        assert child.said() == "renewed"
        child.process.join()
    after = tokens(State(state_url, SystemClock()), tmp_path / "log", SystemClock())
    assert after.renewed("token-1") == "token-2"


class Faulty:
    """A vault whose database goes away and comes back."""

    def __init__(self, vault: TokenVault) -> None:
        self.vault = vault
        self.failing: set[str] = set()
        self.failures = 0

    def __getattr__(self, name: str) -> object:
        def call(*values: object, **named: object) -> object:
            if name in self.failing and self.failures:
                self.failures -= 1
                raise StateUnavailable("the state database cannot be used now.")
            return getattr(self.vault, name)(*values, **named)

        return call


def test_a_rotated_token_is_kept_when_the_database_comes_back(state: State, clock: HandClock, tmp_path: Path) -> None:
    vault = Faulty(state.tokens)
    vault.failing, vault.failures = {"keep"}, 3
    shared = SharedTokens(Server(tmp_path / "log", clock), grant(clock, vault))  # type: ignore[arg-type]
    assert shared.current() == "token-0"
    assert tokens(state, tmp_path / "log", clock).current() == "token-0"


def test_with_the_database_down_no_refresh_token_is_used_up(state: State, clock: HandClock, tmp_path: Path) -> None:
    vault = Faulty(state.tokens)
    vault.failing, vault.failures = {"look"}, 1
    server = Server(tmp_path / "log", clock)
    with pytest.raises(StateUnavailable):
        SharedTokens(server, grant(clock, vault)).current()  # type: ignore[arg-type]
    assert not (tmp_path / "log").exists()


def test_with_the_database_down_a_token_that_can_be_had_again_is_fetched_for_this_process(
    state: State, clock: HandClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = Faulty(state.tokens)
    vault.failing, vault.failures = {"look", "claim", "keep"}, 100
    server = Server(tmp_path / "log", clock, secret=str(tmp_path))
    server.rotates = False
    assert SharedTokens(server, grant(clock, vault)).current() == "token-0"  # type: ignore[arg-type]
    assert "prices: tokens are not shared now" in caplog.text


def _name(state: State) -> str:
    with state._base.read() as connection:
        name: str = connection.execute(sa.select(TOKENS.c.key)).scalar_one()
    return name
