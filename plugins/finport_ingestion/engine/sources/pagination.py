"""How the pages of a collection follow each other: a closed union, each with a stop rule and a maximum."""

from __future__ import annotations

from datetime import date
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
    stop: JmesPath | None = Field(
        default=None, description="JMESPath over the body that is true on the last page, beside the style's own rule."
    )


class NoPages(Pages):
    """Everything comes at once."""

    style: Literal["none"]


class PageNumber(Pages):
    """`?page=1`, `?page=2`, ... up to the number of pages that the server states, or to an empty one."""

    style: Literal["page"]
    parameter: str = Field(default="page", description="Query parameter.")
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    size_parameter: str | None = Field(default=None, description="Query parameter for the size of a page.")
    size: int = Field(default=1000, gt=0, description="Records a page, where `sizeParameter` is stated.")
    total_pages: JmesPath | None = Field(
        default=None, description="JMESPath of the number of pages; with it, pages are fetched side by side."
    )


class Offset(Pages):
    """`?offset=0`, `?offset=100`, ... by what came, whatever was asked for, up to the total or to an empty page."""

    style: Literal["offset"]
    parameter: str = Field(default="offset", description="Query parameter.")
    limit_parameter: str = Field(default="limit", description="Query parameter for the size of a page.")
    limit: int = Field(default=1000, gt=0, description="Records a page.")
    total: JmesPath | None = Field(
        default=None, description="JMESPath of the number of records; with it, pages are fetched side by side."
    )


class Cursor(Pages):
    """The body names the next page by a token."""

    style: Literal["cursor"]
    parameter: str = Field(default="cursor", description="Query parameter that takes the token.")
    next: JmesPath = Field(description="JMESPath of the token; null or absent ends the collection.")


class Link(Pages):
    """The `Link` header names the next page."""

    style: Literal["link"]
    relation: str = Field(default="next", description="The relation to follow.")


class NextUrl(Pages):
    """The body holds the address of the next page."""

    style: Literal["nextUrl"]
    next: JmesPath = Field(description="JMESPath of the address, absolute or relative; null or absent ends it.")


class BodyToken(Pages):
    """The body names the next page by a token, which goes into the body of the next request."""

    style: Literal["bodyToken"]
    next: JmesPath = Field(description="JMESPath of the token; null or absent ends the collection.")
    field: str = Field(description="Field of the request's JSON body that takes it; `a.b` descends.")


class DateWindow(Pages):
    """One request for each window of days, from `start` to today (UTC): `?from=2024-01-01&to=2024-01-31`, ...

    The server gives the records of the days that it is asked for and no others, each under one day for ever; a window
    without records ends nothing. Whatever it adds to days that were read is found by the next run that reads them.
    """

    style: Literal["dateWindow"]
    from_parameter: str = Field(default="from", description="Query parameter of the first day.")
    to_parameter: str | None = Field(
        default="to",
        description="Query parameter of the last day; null where the server knows only the first one, with `days: 1`.",
    )
    inclusive_to: bool = Field(
        default=True,
        description="Whether the records of the last day come too; if not, the day behind it is asked for.",
    )
    start: date = Field(description="The first day; a watermark comes in its place.")
    days: int = Field(default=30, gt=0, description="Days of a window.")
    spelling: str = Field(default="%Y-%m-%d", description="How a day is written, as strftime does.")


class IdWindow(Pages):
    """Each request asks for what lies behind the last record: `?since=0`, `?since=4711`, ...

    Nothing is lost or comes twice where the server gives records in ascending order of their ids, and never adds one
    below an id that it has given. Ids that are whole numbers are held to that; of others it is only noticed when one
    comes again. The first empty page ends the collection. A watermark comes in the place of `start`.
    """

    style: Literal["idWindow"]
    parameter: str = Field(description="Query parameter that takes the id of the last record.")
    id: JmesPath = Field(description="JMESPath of the id within a record.")
    start: str = Field(default="0", description="The first value.")
    inclusive: bool = Field(
        default=False,
        description="Whether the record of the very id comes too; then the one behind it is asked for, so ids have to"
        " be whole numbers.",
    )
    limit_parameter: str | None = Field(default=None, description="Query parameter for the size of a page.")
    limit: int = Field(default=1000, gt=0, description="Records a page.")


AnyPagination = Annotated[
    NoPages | PageNumber | Offset | Cursor | Link | NextUrl | BodyToken | DateWindow | IdWindow,
    Field(discriminator="style"),
]
