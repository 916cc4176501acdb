"""The data files inside a delivered one: compression, archives and encryption taken off, in any order and depth.

What lies around the data is told by the bytes. Everything is unpacked, and verified, before the first file is read:
into a temporary folder, under new names, so that a name inside reaches no disk. What cannot be trusted refuses the
delivery.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath

from upath import UPath

from finport_ingestion.engine.convert.containers.interface import (
    HEAD_BYTES,
    Container,
    Member,
    Opening,
    Packed,
    Readable,
    Scratch,
    write_all,
)
from finport_ingestion.engine.convert.containers.member_names import is_leftover, is_marker, is_wanted, safe_name
from finport_ingestion.engine.convert.containers.registry import CONTAINERS
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.options import UnpackOptions

_ARCHIVES = ("tar", "zip")
_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What a delivered file holds."""

    files: tuple[RawFile, ...]  # in the archive's order; the file itself where nothing lies around it
    compression: str | None  # innermost first, e.g. "tar+gzip" for .tar.gz; of the first file
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """The beginning of the first data file inside a delivered one."""

    content: bytes
    whole: bool  # the data file ends here
    name: str  # its own
    compression: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """A data file, to be read to its end before the next one is asked for."""

    packed: Packed
    name: str
    uri: str
    layers: tuple[str, ...]  # outermost first


@dataclass(slots=True)
class _Walk:
    """The way through one delivery."""

    opening: Opening
    members: str | None
    left_out: dict[str, list[str]] = field(default_factory=dict)  # names, by reason

    def leaves(self, packed: Packed, *, uri: str, layers: tuple[str, ...] = ()) -> Generator[_Leaf]:
        container = next((found for found in containers() if found.opens(packed, self.opening)), None)
        if container is None:
            yield _Leaf(packed=packed, name=packed.name, uri=uri, layers=layers)
            return
        if len(layers) >= self.opening.limits.nesting:
            raise FormatError(
                f"{self.opening.uri}: archives lie in archives more than {self.opening.limits.nesting} deep.",
                hint="do not open this file: honest programs do not write such archives",
            )
        seen: set[str] = set()
        with contextlib.closing(container.members(packed, self.opening)) as members:
            for member in members:
                yield from self._inside(member, container, uri=uri, layers=layers, seen=seen)

    def _inside(
        self, member: Member, container: Container, *, uri: str, layers: tuple[str, ...], seen: set[str]
    ) -> Iterator[_Leaf]:
        archive = container.name in _ARCHIVES
        name = safe_name(member.name, uri=self.opening.uri) if archive else member.name
        if archive:
            self.opening.count_member()
            if name in seen:
                raise FormatError(
                    f"{self.opening.uri}: two of its entries are called '{name}', and nothing tells which is data.",
                    hint="ask the sender to pack each file once",
                )
            seen.add(name)
        packed = Packed(
            _Counted(member.stream, self.opening, depth=len(layers)),
            name=PurePosixPath(name).name,
            uri=f"{uri}!{name}" if archive else uri,
            scratch=self.opening.scratch,
        )
        with contextlib.closing(packed):
            if archive and self._is_left_out(name, packed):
                return
            for leaf in self.leaves(packed, uri=packed.uri, layers=(*layers, container.name)):
                here = leaf.packed is packed
                named = replace(leaf, uri=f"{uri}!{name}") if here and not archive else leaf
                if not here or self._is_wanted(named):
                    yield named

    def _is_left_out(self, name: str, packed: Packed) -> bool:
        if is_leftover(name):
            return self._leave_out(name, "left behind by an operating system")
        return is_marker(name) and not packed.head and self._leave_out(name, "an empty marker")

    def _is_wanted(self, leaf: _Leaf) -> bool:
        if not any(layer in _ARCHIVES for layer in leaf.layers):
            return True
        path = leaf.uri.removeprefix(f"{self.opening.uri}!")
        names = (leaf.name, *path.split("!"))
        return is_wanted(names, self.members) or not self._leave_out(path, f"not among '{self.members}'")

    def _leave_out(self, name: str, reason: str) -> bool:
        self.left_out.setdefault(reason, []).append(name)
        return True

    def notes(self) -> Iterator[str]:
        yield from self.opening.notes
        for reason, names in self.left_out.items():
            more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
            yield f"{self.opening.uri}: left out as {reason}: {', '.join(names[:_NAMES_SHOWN])}{more}."


@contextlib.contextmanager
def unpacked(
    raw: RawFile, *, options: UnpackOptions, password: Callable[[], str | None], scratch: Path | None = None
) -> Iterator[Unpacked]:
    """The data files inside `raw`, which lie in a temporary folder until the block ends.

    Args:
        password: Gives the password or passphrase; asked only where something is encrypted.
        scratch: Where the temporary folder is made; by default where the system has such.

    Raises:
        FormatError: It is damaged, cut, hostile, beyond a limit, or holds no data.
        AccessDenied: The password, passphrase or key is missing or wrong.
    """
    with _begun(raw, options, password, Scratch(scratch)) as (walk, leaves):
        files: list[RawFile] = []
        layers: tuple[str, ...] = ()
        for leaf in leaves:
            if not leaf.layers:
                yield Unpacked(files=(raw,), compression=None)
                return
            layers = layers or leaf.layers
            files.append(_written(leaf, raw, walk.opening.scratch))
        if not files and not raw.may_be_empty:
            raise _nothing_inside(walk, options)
        opening = walk.opening
        yield Unpacked(
            files=tuple(files),
            compression=_spelled(layers),
            notes=tuple(walk.notes()),
            warnings=tuple(dict.fromkeys(opening.warnings)),
        )


def peek(
    raw: RawFile,
    *,
    options: UnpackOptions | None = None,
    password: Callable[[], str | None] | None = None,
    size_bytes: int = HEAD_BYTES,
) -> Peek:
    """The beginning of the first data file inside `raw`, without unpacking the rest. A cut file gives what it has.

    Raises:
        FormatError, AccessDenied: As of `unpacked`, where the beginning shows it.
    """
    chosen = options or UnpackOptions()
    with _begun(raw, chosen, password or _no_password, Scratch(), peeking=True) as (walk, leaves):
        for leaf in leaves:
            content, whole = _first_bytes(leaf.packed, size_bytes)
            return Peek(content=content, whole=whole, name=leaf.name, compression=_spelled(leaf.layers))
        if raw.may_be_empty:
            return Peek(content=b"", whole=True, name=raw.file_name, compression=None)
        raise _nothing_inside(walk, chosen)


def peek_head(
    raw: RawFile,
    *,
    options: UnpackOptions | None = None,
    password: Callable[[], str | None] | None = None,
    size_bytes: int = HEAD_BYTES,
) -> tuple[bytes, str | None]:
    """The first bytes of the first data file inside `raw`, and what lies around it."""
    found = peek(raw, options=options, password=password, size_bytes=size_bytes)
    return found.content, found.compression


@cache
def containers() -> tuple[Container, ...]:
    return tuple(CONTAINERS.get(name)() for name in CONTAINERS)


@contextlib.contextmanager
def _begun(
    raw: RawFile,
    options: UnpackOptions,
    password: Callable[[], str | None],
    scratch: Scratch,
    *,
    peeking: bool = False,
) -> Iterator[tuple[_Walk, Generator[_Leaf]]]:
    opening = Opening(
        uri=raw.uri,
        packed_bytes=raw.size_bytes,
        limits=raw.limits,
        password=password,
        scratch=scratch,
        key_id=options.key_id,
        peeking=peeking,
    )
    walk = _Walk(opening=opening, members=options.members)
    with contextlib.closing(scratch), raw.open() as stream:
        packed = Packed(stream, name=raw.file_name, uri=raw.uri, scratch=scratch, origin=raw)
        with contextlib.closing(walk.leaves(packed, uri=raw.uri)) as leaves:
            yield walk, leaves


def _written(leaf: _Leaf, raw: RawFile, scratch: Scratch) -> RawFile:
    """The leaf as a file of its own."""
    path = leaf.packed.kept()
    if path is not None:
        size = path.stat().st_size
    else:
        path = scratch.new_path()
        size = write_all(leaf.packed, path)
    return replace(raw, path=UPath(path), uri=leaf.uri, name=leaf.name, size_bytes=size)


def _first_bytes(packed: Packed, size: int) -> tuple[bytes, bool]:
    taken, count = [packed.head[:size]], len(packed.head)
    try:
        packed.read(len(packed.head))
        while count < size and (chunk := packed.read(size - count)):
            taken.append(chunk)
            count += len(chunk)
        whole = count <= size and not packed.read(1)
    except FormatError:
        # What lies behind is damaged or cut: a look at the beginning does not need it.
        whole = False
    return b"".join(taken), whole


def _nothing_inside(walk: _Walk, options: UnpackOptions) -> FormatError:
    left_out = " ".join(walk.notes())
    hint = "correct 'members' of 'convert: {unpack: ...}'" if options.members else "ask the sender for the data"
    return FormatError(f"{walk.opening.uri}: no data file is inside. {left_out}".rstrip(), hint=hint)


def _spelled(layers: tuple[str, ...]) -> str | None:
    return "+".join(reversed(layers)) or None


def _no_password() -> None:
    return None


class _Counted:
    """A stream whose bytes are counted against the limits."""

    def __init__(self, stream: Readable, opening: Opening, *, depth: int) -> None:
        self._stream = stream
        self._opening = opening
        self._depth = depth

    def read(self, size: int, /) -> bytes:
        content = self._stream.read(size)
        self._opening.count_bytes(len(content), depth=self._depth)
        return content
