"""What a document says of the messages that it reads."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.logical import parse_logical
from finport_ingestion.engine.options import SourceOptions

_NO_VALUES = ("binary",)


def _declared(text: str) -> str:
    if parse_logical(text).kind in _NO_VALUES:
        raise ValueError("JSON has no such values")
    return text


DeclaredType = Annotated[str, AfterValidator(_declared)]


class MessageOptions(SourceOptions):
    """The keys of every protocol that gives messages."""

    value: Literal["json", "text", "binary"] = Field(default="json", description="What a message holds.")
    fields: dict[str, DeclaredType] = Field(
        default_factory=dict,
        description="Fields of JSON objects that become columns beside `value`, each with its type, e.g."
        " `{price: 'decimal(18,4)', instrument.isin: identifier}`; a dot leads into an object.",
    )

    @model_validator(mode="after")
    def _fields_of_json(self) -> Self:
        if self.fields and self.value != "json":
            raise ValueError("'fields' are those of JSON: state 'value: json'")
        return self
