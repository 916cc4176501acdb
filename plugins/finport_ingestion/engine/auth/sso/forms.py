"""The forms of a login page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    from finport_ingestion.engine.auth.interface import Reply

_TEXTS = {"text", "email", "tel", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form: where it goes, what its fields hold, and which of them a person fills in."""

    action: str  # absolute
    method: str
    fields: dict[str, str] = field(repr=False)
    login: str | None = None  # name of the first field for text
    password: str | None = None  # name of the field for a password


def forms_of(reply: Reply, url: str) -> list[Form]:
    """The forms of a page; none where it is no HTML."""
    from lxml import etree, html

    if not reply.body.strip():
        return []
    try:
        page = html.fromstring(reply.body, parser=html.HTMLParser(no_network=True, encoding=_encoding(reply)))
    except (etree.ParserError, ValueError):
        return []
    base = page.find(".//base[@href]")
    where = urljoin(url, base.get("href")) if base is not None else url
    return [_form(found, where) for found in page.forms]


def _form(found: Any, where: str) -> Form:
    texts = [box for box in found.inputs if box.name and str(box.get("type", "")).lower() in _TEXTS]
    secrets = [box for box in found.inputs if box.name and str(box.get("type", "")).lower() == "password"]
    return Form(
        action=urljoin(where, found.action or ""),
        method=found.method.upper(),
        fields={name: value or "" for name, value in found.form_values()},
        login=texts[0].name if texts else None,
        password=secrets[0].name if secrets else None,
    )


def _encoding(reply: Reply) -> str:
    """What the header says; UTF-8 by default, as login pages are."""
    _, _, charset = reply.headers.get("content-type", "").lower().partition("charset=")
    return charset.split(";")[0].strip(' "') or "utf-8"
