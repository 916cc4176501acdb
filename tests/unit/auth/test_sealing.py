"""What is sealed opens with its secret and name, and with nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.auth.sealing import opened, seal


@given(st.binary(), st.binary(min_size=1), st.text())
def test_what_is_sealed_opens_again(plain: bytes, secret: bytes, name: str) -> None:
    assert opened(seal(plain, secret=secret, name=name), secret=secret, name=name) == plain


@given(st.binary(min_size=1), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_opens_nothing(plain: bytes, place: int, change: int) -> None:
    sealed = bytearray(seal(plain, secret=b"s", name="n"))
    sealed[place % len(sealed)] ^= change
    assert opened(bytes(sealed), secret=b"s", name="n") is None


@pytest.mark.parametrize(("secret", "name"), [(b"another", "n"), (b"s", "another")])
def test_another_secret_or_name_opens_nothing(secret: bytes, name: str) -> None:
    assert opened(seal(b"plain", secret=b"s", name="n"), secret=secret, name=name) is None


@given(st.binary(max_size=60))
def test_what_was_never_sealed_opens_nothing(content: bytes) -> None:
    assert opened(content, secret=b"s", name="n") is None


def test_the_same_is_never_sealed_alike() -> None:
    assert seal(b"plain", secret=b"s", name="n") != seal(b"plain", secret=b"s", name="n")
