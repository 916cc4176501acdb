"""Fields whose model is chosen by a name in the document, out of a registry."""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import Field

from finport_ingestion.engine.registry import Registry


def one_of(registry: Registry[Any], tag: str) -> Any:
    """The union of the `Options` of everything in `registry`, told apart by the key `tag`."""
    options = tuple(registry.get(name).Options for name in registry)
    return Annotated[Union[options], Field(discriminator=tag)] if len(options) > 1 else options[0]  # noqa: UP007
