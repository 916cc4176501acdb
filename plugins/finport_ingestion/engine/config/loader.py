"""Files of YAML to documents: every document read, checked by its model, and every mistake of it noted."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from finport_ingestion.engine.config.environment import misspelt_reference
from finport_ingestion.engine.config.literal_secrets import FIX, find_secrets
from finport_ingestion.engine.config.mistakes import KeyPath, Mistake, dotted, listed, suggestion
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.config.models.envelope import Envelope
from finport_ingestion.engine.config.salvage import salvage
from finport_ingestion.engine.config.wording import Finding, findings
from finport_ingestion.engine.config.yaml_reader import Chunk, Positions, Reading, read, split
from finport_ingestion.engine.config.yaml_syntax import Place
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.project import CONFIGS

FOLDERS = {
    "sources": "Source",
    "authentication": "Authentication",
    "formats": "Format",
    "policies": "Policy",
    "workflows": "Workflow",
}
"""The kind that lives in each folder below `include/configs/`."""

_FOLDER_OF = {kind: folder for folder, kind in FOLDERS.items()}
_SUFFIXES = (".yaml", ".yml")
_LARGEST_BYTES = 10 * 1024**2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Document:
    """One document: what was written, where, and the model of it; `model` is None where something is wrong with it.

    `values` are as written, in YAML's spelling; of a document that is no YAML they are what could still be read.
    """

    path: str
    line: int
    kind: str
    name: str | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    positions: Positions
    model: Envelope | None = None
    mistakes: tuple[Mistake, ...] = ()

    @property
    def spec(self) -> Mapping[str, Any]:
        spec = self.values.get("spec")
        return spec if isinstance(spec, dict) else {}

    @property
    def place(self) -> str:
        """`path:line` of the name, for messages of other documents."""
        return f"{self.path}:{self.positions.value(('metadata', 'name'))[0]}"

    def mistake(self, path: KeyPath, message: str) -> Mistake:
        """A mistake at the value of `path`."""
        return Mistake(self.path, *self.positions.value(path), dotted(path), message)


def load_documents(folder: Path) -> tuple[Document, ...]:
    """Every document below `include/configs` of the project in `folder`, in the order of paths.

    Raises:
        ConfigError: There is no such folder.
    """
    configs = folder / CONFIGS
    if not configs.is_dir():
        raise ConfigError(f"no folder '{CONFIGS}' in {folder}.", hint="name the project's folder")
    with without_collection():
        return tuple(document for path in _files(configs) for document in _load_file(path, folder))


def parse(content: bytes, *, path: str, kind: str) -> tuple[Document, ...]:
    """The documents of one file. Equal content of the same path is parsed once a process.

    Args:
        content: The file's bytes, UTF-8.
        path: As messages show it.
        kind: What the file's folder holds.
    """
    return _parse(content, path, kind)


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the garbage collector where what is made is kept: walking it again and again takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=4096)
def _parse(content: bytes, path: str, kind: str) -> tuple[Document, ...]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        return (_unread(path, kind, "not UTF-8 text; save the file as UTF-8", place),)
    documents = (_document(read(chunk), chunk.text, path, kind) for chunk in split(text))
    return tuple(document for document in documents if document is not None)


def _files(configs: Path) -> Iterator[Path]:
    """The YAML files, in order. Hidden folders are left out: Kubernetes keeps old mounts of a ConfigMap in them."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(configs, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if real not in seen else []
        if real not in seen:
            names = (name for name in sorted(files) if name.lower().endswith(_SUFFIXES) and not name.startswith("."))
            yield from (Path(folder) / name for name in names)
        seen.add(real)


def _load_file(path: Path, folder: Path) -> tuple[Document, ...]:
    parts = path.parts[len(folder.parts) :]
    shown, kind = "/".join(parts), FOLDERS.get(parts[len(CONFIGS.parts)])
    if kind is None:
        return (_unread(shown, "", f"documents lie in one of the folders {listed(FOLDERS)} of {CONFIGS.as_posix()}"),)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        return (_unread(shown, kind, f"cannot be read: {error.strerror}"),)
    if len(content) > _LARGEST_BYTES:
        return (_unread(shown, kind, "larger than 10 MiB; split the file"),)
    return parse(content, path=shown, kind=kind)


def _unread(path: str, kind: str, message: str, place: Place = (1, 1)) -> Document:
    mistakes = (Mistake(path, *place, "", message),)
    return Document(path=path, line=1, kind=kind, positions=Positions(Chunk("", 1)), mistakes=mistakes)


def _document(reading: Reading, text: str, path: str, kind: str) -> Document | None:
    """The document of one chunk; None where the chunk holds nothing but comments."""
    values, positions = reading.values, reading.positions
    if values is None and not reading.problems:
        return None
    refused = [(problem.path, problem.place, problem.message) for problem in reading.problems]
    if not reading.complete:
        values = salvage(text)
        model, found = None, refused
    elif not isinstance(values, dict):
        message = "a document is a mapping with the keys apiVersion, kind, metadata and spec"
        model, found, values = None, [((), positions.value(()), message)], {}
    else:
        model, found = _check(values, positions, kind)
        if "${" in text:
            message = "a variable is written ${NAME} or ${NAME:-default}; '$${' is a plain '${'"
            found += [(key, positions.value(key), message) for key in _misspelt_references(values, ())]
        found = refused + found
    mistakes = tuple(sorted({Mistake(path, *place, dotted(key), message) for key, place, message in found}))
    metadata = values.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, labels = metadata.get("name"), metadata.get("labels")
    return Document(
        path=path,
        line=reading.line,
        kind=_kind(values, kind),
        name=name if isinstance(name, str) else None,
        labels=labels if isinstance(labels, dict) else {},
        values=values,
        positions=positions,
        model=None if mistakes else model,
        mistakes=mistakes,
    )


def _kind(values: Mapping[str, Any], folder_kind: str) -> str:
    kind = values.get("kind")
    return kind if isinstance(kind, str) and kind in KINDS else folder_kind


def _check(values: dict[str, Any], positions: Positions, folder_kind: str) -> tuple[Envelope | None, list[Finding]]:
    kind = _kind(values, folder_kind)
    found = _check_kind(values.get("kind"), positions, folder_kind) if "kind" in values else []
    secrets = [
        (path, positions.value(path), f"a literal secret (rule: {rule}); {FIX}") for path, rule in find_secrets(values)
    ]
    found += secrets
    model, wrong = _validate({**values, "kind": kind} if "kind" in values else values, KINDS[kind], positions)
    told = {path for path, _, _ in secrets}
    return model, found + [finding for finding in wrong if finding[0] not in told]


def _check_kind(kind: object, positions: Positions, folder_kind: str) -> list[Finding]:
    path: KeyPath = ("kind",)
    if not isinstance(kind, str) or kind not in KINDS:
        named = kind if isinstance(kind, str) else ""
        return [(path, positions.value(path), f"unknown kind; {suggestion(named, KINDS)}")]
    if kind != folder_kind:
        place = f"{CONFIGS.as_posix()}/{_FOLDER_OF[kind]}/"
        return [(path, positions.value(path), f"a {kind} lies below {place}; move the document there")]
    return []


def _misspelt_references(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, str):
        if misspelt_reference(value):
            yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _misspelt_references(item, (*path, key))


def _validate(
    values: dict[str, Any], model: type[Envelope], positions: Positions
) -> tuple[Envelope | None, list[Finding]]:
    # Strict, so that what loads here is also valid by the JSON Schemas: '3' is no number and 'no' is not false.
    # By way of JSON, because strict Python input must be a tuple where YAML has a list.
    try:
        return model.model_validate_json(orjson.dumps(values), strict=True), []
    except ValidationError as error:
        return None, findings(error, model, positions)
