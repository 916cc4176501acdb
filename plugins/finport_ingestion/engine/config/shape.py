"""Where a place in a document lies in the models: which keys may stand there, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from finport_ingestion.engine.config.mistakes import KeyPath


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that pydantic names: its path in the document, and the model whose key the last part is."""

    path: KeyPath
    parent: type[BaseModel] | None

    @property
    def field(self) -> FieldInfo | None:
        """The field of the last key, None where the model has no such key."""
        return fields_of(self.parent).get(str(self.path[-1])) if self.parent and self.path else None


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the spelling of YAML."""
    return {found.alias or name: found for name, found in model.model_fields.items()}


def spot(model: type[BaseModel], location: Sequence[str | int]) -> Spot:
    """The place that an error's location names, without the tags of unions that pydantic puts between the keys."""
    current: Any = model
    path: list[str | int] = []
    parent: type[BaseModel] | None = None
    for part in location:
        current = _bare(current)
        variants = _variants(current)
        if variants:
            current = next((variant for variant in variants if _has_tag(variant, part)), variants[0])
            continue
        path.append(part)
        parent = current if _is_model(current) else None
        current = _below(current, part)
    return Spot(tuple(path), parent)


def _below(annotation: Any, part: str | int) -> Any:
    if _is_model(annotation):
        found = fields_of(annotation).get(str(part))
        return found.annotation if found else None
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, MappingType) and arguments:
        return arguments[1]
    return arguments[0] if arguments else None


def _bare(annotation: Any) -> Any:
    """Without `Annotated` and `| None`."""
    while True:
        origin = get_origin(annotation)
        members = [member for member in get_args(annotation) if member is not type(None)]
        if origin is Annotated or (origin in (Union, UnionType) and len(members) == 1):
            annotation = members[0]
        else:
            return annotation


def _variants(annotation: Any) -> list[type[BaseModel]]:
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [member for member in get_args(annotation) if _is_model(member)]


def _has_tag(variant: type[BaseModel], tag: object) -> bool:
    return any(
        get_origin(found.annotation) is Literal and tag in get_args(found.annotation)
        for found in variant.model_fields.values()
    )


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
