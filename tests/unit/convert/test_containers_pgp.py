"""PGP messages, opened by gpg with keys made here."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from finport_ingestion.engine.convert.containers.pgp_message import PgpContainer
from finport_ingestion.engine.convert.unpack import peek_head
from finport_ingestion.engine.errors import AccessDenied, FormatError
from tests.unit.convert.test_unpack import CSV, limited, opened, raw, zipped

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
GPG = ("gpg", "--batch", "--quiet", "--yes", "--no-tty", "--pinentry-mode=loopback", "--trust-model=always")
SECRET = "correct horse"


@dataclass(frozen=True)
class Keyring:
    home: Path

    def run(self, *arguments: str, stdin: bytes = b"", passphrase: str = "") -> bytes:
        command = [*GPG, f"--passphrase={passphrase}", *arguments]
        environment = {**os.environ, "GNUPGHOME": str(self.home)}
        return subprocess.run(command, input=stdin, env=environment, check=True, capture_output=True).stdout

    def make(self, user: str, passphrase: str) -> str:
        """The fingerprint of a new key that signs, and its subkey that decrypts."""
        # RSA of the smallest size: keys are made in no time.
        self.run("--quick-generate-key", user, "rsa2048", "default", "never", passphrase=passphrase)
        lines = self.run("--list-secret-keys", "--with-colons", user).decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in lines if line.startswith("fpr"))
        self.run("--quick-add-key", fingerprint, "rsa2048", "encrypt", "never", passphrase=passphrase)
        return fingerprint

    def encrypt(self, content: bytes, *options: str, to: str = "bank") -> bytes:
        return self.run(*options, "--encrypt", f"--recipient={to}", stdin=content)


@pytest.fixture(scope="module")
def keyring() -> Iterator[Keyring]:
    # The agent's socket has a short name only: the folder of pytest would be too long for it.
    with tempfile.TemporaryDirectory(prefix="gpg-") as folder, tempfile.TemporaryDirectory(prefix="gpg-") as other:
        ring, stranger = Keyring(Path(folder)), Keyring(Path(other))
        ring.make("bank", "")
        ring.make("vault", SECRET)
        stranger.make("stranger", "")
        ring.run("--import", stdin=stranger.run("--export", "stranger"))
        yield ring
        for home in (folder, other):
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


@pytest.fixture(autouse=True)
def at_home(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keyring.home))


def forget(keyring: Keyring) -> None:
    """Let the agent forget passphrases that it was told."""
    subprocess.run(["gpgconf", "--homedir", str(keyring.home), "--kill", "all"], check=True)


@pytest.mark.parametrize("options", [(), ("--armor",), ("--compress-algo=none",), ("--hidden-recipient=bank",)])
def test_a_message_for_our_key_is_opened(options: tuple[str, ...], keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, keyring.encrypt(CSV, *options), "trades.csv.pgp")
    assert opened(file) == ({"landing/trades.csv.pgp!trades.csv": CSV}, "pgp", ())


def test_archives_inside_a_message_are_opened(keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, keyring.encrypt(zipped(("a.csv", CSV), ("b.csv", b"b\n"))), "x.zip.gpg")
    contents, compression, _ = opened(file)
    assert contents == {"landing/x.zip.gpg!a.csv": CSV, "landing/x.zip.gpg!b.csv": b"b\n"}
    assert compression == "zip+pgp"


def test_messages_inside_an_archive_are_opened(keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, zipped(("a.csv.pgp", keyring.encrypt(CSV)), ("b.csv.pgp", keyring.encrypt(b"b\n"))), "x.zip")
    contents, compression, _ = opened(file)
    assert contents == {"landing/x.zip!a.csv.pgp!a.csv": CSV, "landing/x.zip!b.csv.pgp!b.csv": b"b\n"}
    assert compression == "pgp+zip"


def test_a_message_of_many_megabytes(keyring: Keyring, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 20
    assert list(opened(raw(tmp_path, keyring.encrypt(content)))[0].values()) == [content]


def test_a_passphrase_unlocks_the_key(keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, keyring.encrypt(CSV, to="vault"))
    for password in (None, "wrong"):
        forget(keyring)
        with pytest.raises(AccessDenied, match=r"passphrase .* is missing or wrong.*connection"):
            opened(file, password=password)
    assert list(opened(file, password=SECRET)[0].values()) == [CSV]


def test_a_message_by_passphrase_alone(keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, keyring.run("--symmetric", stdin=CSV, passphrase=SECRET))
    assert list(opened(file, password=SECRET)[0].values()) == [CSV]
    for password in (None, "wrong"):
        with pytest.raises(AccessDenied, match=r"passphrase .* is missing or wrong"):
            opened(file, password=password)


def test_the_passphrase_is_on_no_command_line(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    program = tmp_path / "gpg"
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\nenv >> {log}\nexec {shutil.which("gpg")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    forget(keyring)
    file = raw(tmp_path, keyring.encrypt(CSV, to="vault"))
    log.unlink()
    assert list(opened(file, password=SECRET)[0].values()) == [CSV]
    assert "--passphrase-fd" in log.read_text()
    assert SECRET not in log.read_text()


def test_a_message_for_a_key_that_is_not_here(keyring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match=r"for PGP key [0-9A-F]{16}, which is not in the keyring.*import"):
        opened(raw(tmp_path, keyring.encrypt(CSV, to="stranger")))


def test_only_the_stated_key_is_taken(keyring: Keyring, tmp_path: Path) -> None:
    lines = keyring.run("--list-secret-keys", "--with-colons", "bank", "vault").decode().splitlines()
    bank, vault = [line.split(":")[4] for line in lines if line.startswith("sec")]
    file = raw(tmp_path, keyring.encrypt(CSV))
    assert list(opened(file, keyId=f"0x{bank.lower()}")[0].values()) == [CSV]
    with pytest.raises(AccessDenied, match=f"not for {vault}"):
        opened(file, keyId=vault)


@pytest.mark.parametrize("left", [0.3, 0.9, -1])
def test_a_cut_message_is_refused(left: float, keyring: Keyring, tmp_path: Path) -> None:
    message = keyring.encrypt(os.urandom(300_000))
    cut = message[:-1] if left < 0 else message[: int(len(message) * left)]
    with pytest.raises(FormatError, match="damaged or cut"):
        opened(raw(tmp_path, cut))


def test_a_changed_message_is_refused(keyring: Keyring, tmp_path: Path) -> None:
    message = bytearray(keyring.encrypt(CSV, "--compress-algo=none"))
    message[-5000] ^= 1
    with pytest.raises(FormatError, match="damaged or cut"):
        opened(raw(tmp_path, bytes(message)))


def test_a_signature_is_checked(keyring: Keyring, tmp_path: Path) -> None:
    signed = keyring.encrypt(CSV, "--sign", "--local-user=bank")
    contents, _, said = opened(raw(tmp_path, signed))
    assert list(contents.values()) == [CSV]
    assert "is good" in said[0]


def test_a_signature_by_an_unknown_key_is_a_warning(keyring: Keyring, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
        sender = Keyring(Path(folder))
        sender.make("sender", "")
        sender.run("--import", stdin=keyring.run("--export", "bank"))
        signed = sender.encrypt(CSV, "--sign", "--local-user=sender")
        forget(sender)
    contents, _, said = opened(raw(tmp_path, signed))
    assert list(contents.values()) == [CSV]
    assert "was not checked" in said[0]


def test_a_text_that_is_only_signed(keyring: Keyring, tmp_path: Path) -> None:
    signed = keyring.run("--clear-sign", "--local-user=bank", stdin=b"a,b\n1,2\n")
    contents, _, said = opened(raw(tmp_path, signed, "a.csv.asc"))
    assert list(contents.values()) == [b"a,b\n1,2\n"]
    assert "is good" in said[0]
    with pytest.raises(FormatError, match="changed after it was signed"):
        opened(raw(tmp_path, signed.replace(b"1,2", b"1,9")))


def test_a_bomb_in_a_message_is_refused(keyring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="unpack to"):
        opened(raw(tmp_path, keyring.encrypt(bytes(100 << 20))))


def test_gpg_is_ended_when_it_takes_too_long(keyring: Keyring, tmp_path: Path) -> None:
    file = raw(tmp_path, keyring.encrypt(os.urandom(16 << 20), "--compress-algo=none"), limits=limited(child_seconds=0))
    with pytest.raises(FormatError, match=r"gpg was ended.*childSeconds"):
        opened(file)


def test_a_look_into_a_message(keyring: Keyring, tmp_path: Path) -> None:
    content = CSV * 10
    head, compression = peek_head(raw(tmp_path, keyring.encrypt(gzip.compress(content, 1))), size_bytes=5000)
    assert (head, compression) == (content[:5000], "gzip+pgp")


@pytest.mark.parametrize(
    "head", [b"", b"\x85", b"\x84\xa4name\x01\xa3ccy\xa3EUR", b"\x85\x01\x0c\x07" + bytes(400), CSV[:100]]
)
def test_what_only_begins_like_a_message_is_none(head: bytes, tmp_path: Path) -> None:
    assert opened(raw(tmp_path, head))[1] is None
    assert PgpContainer.name == "pgp"
