"""gpg as a process: the message in, the plain text out, and what its status lines say as errors of ours.

The passphrase goes through a pipe, never onto a command line. Nothing is fetched from a network, and no file is written
but by gpg in its own home.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from finport_ingestion.engine.convert.containers.interface import CHUNK_BYTES, Opening, Packed
from finport_ingestion.engine.errors import AccessDenied, ConfigError, FinportError, FormatError

_OPTIONS = (
    "--batch",
    "--no-tty",
    "--pinentry-mode=loopback",
    "--no-symkey-cache",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--disable-dirmngr",
    "--status-fd=2",
)
_STATUS = "[GNUPG:] "
_MOST_LINES = 1000
_LINE_BYTES = 4096
_ENVIRONMENT = ("GNUPGHOME", "HOME", "PATH")
_AGAIN = "ask for the file again: it was cut or changed on its way"
_NAME_IT = "name the Airflow connection that holds the passphrase in 'convert: {unpack: {connection: ...}}'"


@contextlib.contextmanager
def decrypted(packed: Packed, opening: Opening) -> Iterator[_Plain]:
    """The plain text of a message; its end is reached only where all of it was decrypted and is unchanged.

    Raises:
        AccessDenied: The key or the passphrase is missing or wrong.
        ConfigError: gpg is not installed.
    """
    program = shutil.which("gpg")
    if program is None:
        raise ConfigError(f"{packed.uri}: it is PGP-encrypted, and there is no gpg here.", hint="install GnuPG")
    passphrase = opening.password()
    with contextlib.ExitStack() as closing:
        options, passed = _passphrase_pipe(passphrase, closing)
        process = subprocess.Popen(  # noqa: S603 - the program is gpg, and no argument comes from the file
            [program, *_OPTIONS, *options, *_key(opening), "--decrypt"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=passed,
            env={"LC_ALL": "C", **{name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}},
        )
        closing.enter_context(process)
        deadline = threading.Timer(opening.limits.child_seconds, process.kill)
        deadline.start()
        closing.callback(deadline.cancel)
        plain = _Plain(process, packed, opening)
        try:
            yield plain
        finally:
            plain.close()


def _passphrase_pipe(passphrase: str | None, closing: contextlib.ExitStack) -> tuple[list[str], tuple[int, ...]]:
    if not passphrase:
        return [], ()
    reading, writing = os.pipe()
    closing.callback(os.close, reading)
    # A passphrase is shorter than what a pipe holds, so that nobody waits.
    os.write(writing, passphrase.encode()[:_LINE_BYTES] + b"\n")
    os.close(writing)
    return [f"--passphrase-fd={reading}"], (reading,)


def _key(opening: Opening) -> list[str]:
    return [f"--try-secret-key={opening.key_id}"] if opening.key_id else []


@dataclass(slots=True)
class _Said:
    """The status lines of gpg (doc/DETAILS of GnuPG), by keyword, with the arguments of the last one of each."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def has(self, *keywords: str) -> bool:
        return any(keyword in self.lines for keyword in keywords)

    def argument(self, keyword: str, place: int = 0) -> str:
        arguments = self.lines.get(keyword, [])
        return arguments[place] if place < len(arguments) else ""


class _Plain:
    """What gpg writes. Two threads feed it and listen to it, so that neither side waits for the other."""

    def __init__(self, process: subprocess.Popen[bytes], packed: Packed, opening: Opening) -> None:
        self._process = process
        self._packed = packed
        self._opening = opening
        self._said = _Said()
        self._error: FinportError | None = None
        self._done = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._feed, self._listen)]
        for thread in self._threads:
            thread.start()

    def read(self, size: int, /) -> bytes:
        if self._done:
            return b""
        content = cast("BinaryIO", self._process.stdout).read(size)
        if not content:
            self._done = True
            self._judge()
        return content

    def close(self) -> None:
        """End gpg, and wait until nobody reads the message any more."""
        if self._process.poll() is None:
            self._process.kill()
        for thread in self._threads:
            thread.join()

    def _feed(self) -> None:
        target = cast("IO[bytes]", self._process.stdin)
        # gpg may end before it has read everything, and then says why.
        with contextlib.suppress(BrokenPipeError), contextlib.closing(target):
            try:
                while chunk := self._packed.read(CHUNK_BYTES):
                    target.write(chunk)
            except FinportError as error:
                self._error = error
                self._process.kill()

    def _listen(self) -> None:
        stream = cast("IO[bytes]", self._process.stderr)
        count = 0
        while line := stream.readline(_LINE_BYTES):
            words = line.decode("utf-8", "replace").removeprefix(_STATUS).split()
            if line.startswith(_STATUS.encode()) and words and count < _MOST_LINES:
                count += 1
                # Several errors may follow each other, and each matters.
                keyword = " ".join(words[:2]) if words[0] == "ERROR" else words[0]
                self._said.lines[keyword] = words[1:]

    def _judge(self) -> None:
        for thread in self._threads:
            thread.join()
        status = self._process.wait()
        if self._error is not None:
            raise self._error
        said, uri = self._said, self._packed.uri
        _refuse_failure(said, uri=uri, status=status, seconds=self._opening.limits.child_seconds)
        _refuse_other_key(said, uri=uri, key_id=self._opening.key_id)
        if said.has("ERRSIG"):
            self._opening.warnings.append(
                f"{uri}: its signature by key {said.argument('ERRSIG')} was not checked: the keyring does not hold it."
            )
        if said.has("EXPSIG", "EXPKEYSIG", "REVKEYSIG"):
            self._opening.warnings.append(f"{uri}: it is signed with a key that has expired or was revoked.")
        if said.has("GOODSIG"):
            self._opening.notes.append(f"{uri}: its signature by key {said.argument('GOODSIG')} is good.")


def _refuse_failure(said: _Said, *, uri: str, status: int, seconds: int) -> None:
    if said.has("BADSIG"):
        raise FormatError(f"{uri}: its PGP signature is wrong: it was changed after it was signed.", hint=_AGAIN)
    opened = said.has("DECRYPTION_OKAY") or (said.has("PLAINTEXT") and not said.has("BEGIN_DECRYPTION"))
    # An unknown signer makes gpg's exit status 2 although everything was decrypted.
    if opened and not said.has("DECRYPTION_FAILED", "NODATA", "UNEXPECTED") and (status == 0 or said.has("ERRSIG")):
        return
    if said.has("NO_SECKEY") and not said.has("DECRYPTION_KEY", "ERROR pkdecrypt_failed"):
        raise AccessDenied(
            f"{uri}: it is encrypted for PGP key {said.argument('ENC_TO')}, which is not in the keyring here.",
            hint="import the secret key into the keyring at GNUPGHOME, or give the sender your key",
        )
    if _wants_passphrase(said):
        raise AccessDenied(f"{uri}: the passphrase of the PGP key or message is missing or wrong.", hint=_NAME_IT)
    if status < 0:
        raise FormatError(
            f"{uri}: gpg was ended before it was done (after {seconds} seconds, or by a signal).",
            hint="raise 'childSeconds' of the policy's 'reading', or ask for smaller files",
        )
    raise FormatError(f"{uri}: the PGP message is damaged or cut.", hint=_AGAIN)


def _wants_passphrase(said: _Said) -> bool:
    needed = said.has("NEED_PASSPHRASE", "NEED_PASSPHRASE_SYM", "MISSING_PASSPHRASE", "ERROR pkdecrypt_failed")
    return needed and not said.has("PLAINTEXT")


def _refuse_other_key(said: _Said, *, uri: str, key_id: str | None) -> None:
    if not key_id or not said.has("DECRYPTION_KEY"):
        return
    wanted = key_id.upper().removeprefix("0X").replace(" ", "")
    used = [said.argument("DECRYPTION_KEY", place) for place in (0, 1)]
    if not any(fingerprint.endswith(wanted) for fingerprint in used):
        raise AccessDenied(
            f"{uri}: it is encrypted for PGP key {used[1]}, not for {key_id}.",
            hint="correct 'convert: {unpack: {keyId: ...}}', or give the sender the right key",
        )
