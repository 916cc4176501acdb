"""How the pages of a collection follow each other: a closed union, each with a stop rule and a maximum."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from finport_ingestion.engine.model import Spec


def _compiles(path: str) -> str:
    import jmespath

    try:
        jmespath.compile(path)
    except jmespath.exceptions.JMESPathError:
        raise ValueError("not a JMESPath; see https://jmespath.org") from None
    return path


JmesPath = Annotated[str, AfterValidator(_compiles)]


class Pages(Spec):
    """What all styles share."""

    records: JmesPath | None = Field(
        default=None,
        description="JMESPath of the records, the body itself by default; an empty page ends the collection.",
    )
    max_pages: int = Field(default=10_000, gt=0, description="More pages than this is an error.")


class NoPages(Pages):
    """Everything comes at once."""

    style: Literal["none"]


class PageNumber(Pages):
    """`?page=1`, `?page=2`, ..."""

    style: Literal["page"]
    parameter: str = Field(default="page", description="Query parameter.")
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    total_pages: JmesPath | None = Field(default=None, description="JMESPath of the number of pages.")


class Offset(Pages):
    """`?offset=0`, `?offset=100`, ..."""

    style: Literal["offset"]
    parameter: str = Field(default="offset", description="Query parameter.")
    limit_parameter: str = Field(default="limit", description="Query parameter for the size of a page.")
    limit: int = Field(default=1000, gt=0, description="Records a page.")
    total: JmesPath | None = Field(default=None, description="JMESPath of the number of records.")


class Cursor(Pages):
    """The body names the next page by a token."""

    style: Literal["cursor"]
    parameter: str = Field(default="cursor", description="Query parameter that takes the token.")
    next: JmesPath = Field(description="JMESPath of the token; null or absent ends the collection.")


class Link(Pages):
    """The `Link` header names the next page."""

    style: Literal["link"]
    relation: str = Field(default="next", description="The relation to follow.")


AnyPagination = Annotated[NoPages | PageNumber | Offset | Cursor | Link, Field(discriminator="style")]
