"""`${VARIABLE}` and `${VARIABLE:-default}` in a document, filled in when a run uses the value and never before.

`$${` stands for a literal `${`. As in a shell, the default also replaces a variable that is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from finport_ingestion.engine.config.mistakes import KeyPath, dotted
from finport_ingestion.engine.config.wording import explain
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import Spec, plain

T = TypeVar("T")

REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OPENING = re.compile(r"(?<!\$)\$\{")


def fill(value: T, environment: Mapping[str, str], *, key: str = "") -> T:
    """`value` with every variable filled in: text, lists and mappings of it, or a part of a document.

    Args:
        key: Where `value` stands in its document, for the message.

    Raises:
        ConfigError: A variable is not set (all of them are named, each with its key), or the filled-in value does not
            suit the document. The message holds no value.
    """
    missing: list[str] = []
    filled = _fill(value, environment, (key,) if key else (), missing)
    if missing:
        raise ConfigError(
            f"environment variables are not set: {', '.join(missing)}.",
            hint="set them where the tasks run, or give a default: ${NAME:-default}",
        )
    return cast("T", filled)


def misspelt_reference(text: str) -> bool:
    """Whether `text` has a `${` that begins no variable."""
    return "${" in text and len(_OPENING.findall(text)) != len(REFERENCE.findall(text))


def _fill(value: Any, environment: Mapping[str, str], path: KeyPath, missing: list[str]) -> Any:
    if isinstance(value, str):
        return _fill_text(value, environment, path, missing) if "${" in value else value
    if isinstance(value, Spec):
        return _fill_spec(value, environment, path, missing)
    if isinstance(value, Mapping):
        return {name: _fill(item, environment, (*path, str(name)), missing) for name, item in value.items()}
    if isinstance(value, list | tuple):
        items = (_fill(item, environment, (*path, index), missing) for index, item in enumerate(value))
        return type(value)(items)
    return value


def _fill_text(text: str, environment: Mapping[str, str], path: KeyPath, missing: list[str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = environment.get(name)
        if found is None and default is None:
            missing.append(f"{name} (used by {dotted(path)})" if path else name)
        return found or default or "" if default is not None else found or ""

    return REFERENCE.sub(replacement, text).replace("$${", "${")


def _fill_spec(spec: Spec, environment: Mapping[str, str], path: KeyPath, missing: list[str]) -> Spec:
    written = plain(spec)
    filled = _fill(written, environment, path, missing)
    if filled == written or missing:
        return spec
    try:
        return type(spec).model_validate(filled)
    except ValidationError as error:
        # Pydantic's own text repeats the values, and a variable may hold a secret.
        where = f"{dotted(path)}: " if path else ""
        raise ConfigError(
            f"{where}the environment's values do not suit: {explain(error, type(spec))}.", hint="correct the variables"
        ) from None
