"""The work behind `finport convert`: which files, with what wish, one after the other, with a bar by bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pydantic import ValidationError

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.inputs import Input, inputs_of
from finport_ingestion.engine.config.environment import fill
from finport_ingestion.engine.config.loader import parse
from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.documents import Format, FormatSpec
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.output_folder import remove_abandoned
from finport_ingestion.engine.convert.outputs.registry import OUTPUTS
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import FileReport, Outcome
from finport_ingestion.engine.errors import ConfigError, StorageUnavailable
from finport_ingestion.engine.limits import ReadLimits
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import FormatOptions

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG})


def wish_of(
    *,
    to: str,
    document: str | None,
    options: str | None,
    max_error_share: float,
    partition_by: tuple[str, ...],
    max_file_bytes: int,
) -> Wish:
    """What the command line asks for.

    Raises:
        ConfigError: The document or the options are wrong; the message says where.
    """
    if document and options:
        raise ConfigError("--format and --options say the same thing twice.", hint="state one of them")
    chosen, contract = _stated(document, options)
    return Wish(
        output=OUTPUTS.get(to)(),
        options=chosen,
        contract=contract,
        max_error_share=max_error_share,
        partition_by=partition_by,
        max_file_bytes=max_file_bytes,
        password=_password(chosen),
        threads=os.cpu_count() or 1,
    )


def limits_of(text: str | None) -> ReadLimits:
    """The limits with those that the command line states instead.

    Raises:
        ConfigError: They are no limits; the message says why.
    """
    if text is None:
        return ReadLimits()
    limits: ReadLimits = _valid(ReadLimits, _json(text, "--limits", """{"unpackRatio": 1000}"""), "--limits")
    return limits


class Conversions:
    """Converts inputs in turn. Used as a context: gives a report for each file."""

    def __init__(
        self, inputs: Sequence[str], *, out: Path, wish: Wish, limits: ReadLimits | None = None, quiet: bool = False
    ) -> None:
        self._files = inputs_of(inputs, out=out)
        self._out = out
        self._wish = wish
        self._limits = limits or ReadLimits()
        self._bar = _Bar(sum(file.size_bytes for file in self._files)) if not quiet else None
        self._context = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{self._out} cannot be made: {error.strerror}.", hint="name another --out") from error
        remove_abandoned(self._out)
        if self._bar is not None:
            self._context.enter_context(self._bar)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._context.close()
        # One call for all files: what is reported as written survives the power.
        os.sync()

    def __iter__(self) -> Iterator[FileReport]:
        for file in self._files:
            wish = self._wish
            if self._bar is not None:
                self._bar.begin(file.path, file.size_bytes)
                wish = dataclasses.replace(wish, tick=self._bar.advance)
            yield self._converted(file, wish)
            if self._bar is not None:
                self._bar.end()

    def _converted(self, file: Input, wish: Wish) -> FileReport:
        try:
            with file.opened(self._limits) as raw:
                return convert_file(raw, self._out, wish=wish, place=file.place)
        except OSError as error:
            if error.filename is not None and os.fspath(error.filename) == file.path:
                told = f"{file.path}: cannot be read: {error.strerror}."
                return FileReport(path=file.path, outcome=Outcome.REFUSED, error=told)
            if error.errno in _NO_ROOM:
                raise StorageUnavailable(
                    f"{self._out} cannot be written: {error.strerror}.", hint="make room, or name another --out"
                ) from error
            raise


class _Bar:
    """A bar by bytes on the other stream, where a person watches."""

    def __init__(self, size_bytes: int) -> None:
        self._total = size_bytes
        self._done = 0
        self._of_file = 0
        self._size = 0
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if screen.is_terminal(sys.stderr):
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._task = self._progress.add_task("", total=self._total or None)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, path: str, size_bytes: int) -> None:
        self._of_file, self._size = 0, size_bytes
        if self._progress is not None:
            self._progress.update(self._task, description=Path(path).name)

    def advance(self, rows: int, size_bytes: int) -> None:
        # A file may be read twice: the bar stands still rather than running over.
        self._of_file = min(self._of_file + size_bytes, self._size)
        self._show()

    def end(self) -> None:
        self._done += self._size
        self._of_file = 0
        self._show()

    def _show(self) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done + self._of_file)


def _stated(document: str | None, options: str | None) -> tuple[FormatOptions | None, Contract]:
    if options is not None:
        return _options(options), Contract()
    if document is None:
        return None, Contract()
    spec = _document(document)
    return spec.convert, spec.contract or Contract()


def _options(text: str) -> FormatOptions:
    fields = _json(text, "--options", """{"format": "csv"}""")
    if not isinstance(fields.get("format"), str):
        raise ConfigError("--options names no format.", hint=f"add the key format: one of {', '.join(FORMATS.names())}")
    options: FormatOptions = _valid(FORMATS.get(fields["format"]).Options, fields, "--options")
    return options


def _json(text: str, option: str, example: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{option} is no JSON: {error}.", hint=f"write it like '{example}'") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{option} is no JSON object.", hint=f"write it like '{example}'")
    return fields


def _valid(model: type[Spec], fields: dict[str, Any], option: str) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"{option}: {told}.", hint="see 'Formats' in the reference for the keys") from error


def _document(name: str) -> FormatSpec:
    """The spec of a Format document: a file that holds one, or the name of one in the project."""
    # No document is called with a point or a slash.
    spec = _spec_of_file(Path(name)) if "." in name or "/" in name else _spec_of_project(name)
    return fill(spec, os.environ)


def _spec_of_file(path: Path) -> FormatSpec:
    try:
        documents = parse(path.read_bytes(), path=str(path), kind="Format")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", hint="name a file that holds a Format document"
        ) from error
    mistakes = [mistake for document in documents for mistake in document.mistakes]
    if mistakes:
        raise ConfigError("\n".join(map(str, mistakes)))
    if len(documents) != 1:
        raise ConfigError(
            f"{path} holds {len(documents)} documents.", hint="name a file that holds one Format document"
        )
    return cast("Format", documents[0].model).spec


def _spec_of_project(name: str) -> FormatSpec:
    documents = surroundings.catalog(surroundings.project())
    return cast("Format", documents.document("Format", name).model).spec


def _password(options: FormatOptions | None) -> Any:
    connection = options.unpack.connection if options else None

    def password() -> str | None:
        return EnvironmentConnections().get(connection).secret() if connection else None

    return password
