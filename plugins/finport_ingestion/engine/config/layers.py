"""Settings out of layers: default policy, the source's policy, the source, the workflow's step, the run.

Each layer is what an author wrote and nothing more, so that a default never hides what a lower layer says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from finport_ingestion.engine.config.mistakes import KeyPath
from finport_ingestion.engine.config.models.settings import Settings
from finport_ingestion.engine.config.wording import explain
from finport_ingestion.engine.config.yaml_reader import Positions
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import deep_merge

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Part of the settings, as written at one place.

    `origin` is the document's path, or what people call a layer that stands in none (`run`); `at` is where in the
    document `settings` stand.
    """

    origin: str
    settings: Mapping[str, Any]
    positions: Positions | None = None
    at: KeyPath = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """One value, the layer that states it, and its key there. Equal where the values are."""

    value: Any
    layer: Layer = field(compare=False)
    path: KeyPath = field(compare=False)

    @property
    def origin(self) -> str:
        """`path:line`, or only the layer's name."""
        positions = self.layer.positions
        return self.layer.origin if positions is None else f"{self.layer.origin}:{positions.key(self.path)[0]}"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The settings that hold, and who stated each of them."""

    settings: Settings
    stated: Mapping[str, Stated]
    """By dotted key in YAML's spelling, e.g. `quality.minScore`; what no layer states is not there."""

    @cached_property
    def origins(self) -> dict[str, str]:
        """Every key of the settings with `path:line` of what decides it, or `built-in`."""
        whole = self.settings.model_dump(mode="json", by_alias=True)
        found = {".".join(path): BUILT_IN for path, _ in _leaves(whole)}
        return {key: self.stated[key].origin if key in self.stated else origin for key, origin in found.items()}


def resolve_settings(layers: Sequence[Layer]) -> Resolved:
    """The settings of `layers`, the lowest first.

    Raises:
        ConfigError: The layers are each right but do not go together.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = deep_merge(merged, _annotated(layer.settings, layer, layer.at))
    stated = {".".join(path): leaf for path, leaf in _leaves(merged)}
    try:
        settings = Settings.model_validate(_values(merged))
    except ValidationError as error:
        origins = ", ".join(dict.fromkeys(layer.origin for layer in layers))
        raise ConfigError(f"the settings of {origins} do not go together: {explain(error, Settings)}.") from error
    return Resolved(settings=settings, stated=stated)


def _annotated(settings: Mapping[str, Any], layer: Layer, path: KeyPath) -> dict[str, Any]:
    """Each value with its origin, in the same mappings, so that the merge carries both."""
    return {
        key: _annotated(value, layer, (*path, key))
        if isinstance(value, Mapping)
        else Stated(value, layer, (*path, key))
        for key, value in settings.items()
    }


def _values(annotated: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.value if isinstance(value, Stated) else _values(value) for key, value in annotated.items()}


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
