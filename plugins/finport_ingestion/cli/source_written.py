"""The documents that `finport source add` writes: valid YAML, and beside each proposal how sure it is and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.detect_source.proposal import About, Proposal

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|https?://[A-Za-z0-9./_:%~-]+|[0-9]+/[a-z]+")
_OTHER_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_WIDTH = 110
_SOURCE_SCHEMA = "# yaml-language-server: $schema=../../../docs/reference/schemas/json/source.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that goes into the document of a new source. Nothing in here is a secret."""

    name: str
    description: str
    owner: str
    labels: Mapping[str, str]
    source: Mapping[str, Any]  # the `source` block without pagination
    proposals: Mapping[About, Proposal]
    authentication: str | None = None  # name of an Authentication document
    security: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()  # of the first records, for the person who writes the contract

    def value(self, about: About) -> Mapping[str, Any]:
        """What is proposed; empty for nothing."""
        found = self.proposals.get(about)
        return found.value if found else {}


def source_document(draft: Draft) -> str:
    """The Source document."""
    return "".join(f"{line}\n" for line in _source(draft))


def authentication_document(name: str, draft: Draft) -> str:
    """The Authentication document for what was found out."""
    proposal = draft.proposals[About.AUTHENTICATION]
    lines = [
        *_told(proposal, ""),
        "apiVersion: finport.io/v1",
        "kind: Authentication",
        f"metadata: {{name: {name}}}",
        "spec:",
        f"  description: {spelled(f'How {draft.name} is asked; the credentials lie in its connection.')}",
        f"  owner: {spelled(draft.owner)}",
        f"  auth: {spelled(proposal.value)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def spelled(value: Any) -> str:
    """A value as YAML writes it within a line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)}: {spelled(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, bool | int | float) or value is None:
        return json.dumps(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in quoted)


def _source(draft: Draft) -> Iterator[str]:
    yield _SOURCE_SCHEMA
    yield "# Written by 'finport source add': review it. What was found out has its confidence (0 to 1) beside it."
    yield from ("apiVersion: finport.io/v1", "kind: Source", "metadata:", f"  name: {spelled(draft.name)}")
    yield f"  labels: {spelled(draft.labels)}"
    yield from ("spec:", f"  description: {spelled(draft.description)}", f"  owner: {spelled(draft.owner)}")
    yield from _told(draft.proposals[About.PROTOCOL], "  ")
    yield "  source:"
    yield from (f"    {_key(name)}: {spelled(value)}" for name, value in draft.source.items())
    yield from _pagination(draft)
    yield from _authentication(draft)
    yield from _format(draft)
    yield from _contract(draft)
    yield from _overrides(draft)


def _pagination(draft: Draft) -> Iterator[str]:
    if About.CHANGES in draft.proposals:
        yield from _told(draft.proposals[About.CHANGES], "    ")
    if About.PAGINATION not in draft.proposals:
        return
    pages = draft.value(About.PAGINATION)
    yield from _told(draft.proposals[About.PAGINATION], "    ")
    yield f"    pagination: {spelled(pages)}"
    if pages.get("style") != "none" and "etag" in draft.value(About.CHANGES).get("by", ()):
        yield "    # etag: true  # if the ETag of the first page stands for all of them"
    yield "    # sinceParameter: since  # with 'incremental' below: the parameter that asks for what is new"


def _authentication(draft: Draft) -> Iterator[str]:
    if About.AUTHENTICATION not in draft.proposals:
        return
    yield from _told(draft.proposals[About.AUTHENTICATION], "  ")
    if draft.authentication:
        yield f"  authentication: {spelled(draft.authentication)}"


def _format(draft: Draft) -> Iterator[str]:
    if About.FORMAT not in draft.proposals:
        return
    yield from _told(draft.proposals[About.FORMAT], "  ")
    if draft.value(About.FORMAT):
        yield f"  convert: {spelled(draft.value(About.FORMAT))}"
    else:
        yield "  # convert: {format: json}  # state it, where it is not recognised"


def _contract(draft: Draft) -> Iterator[str]:
    yield f"  dataset: {spelled(draft.name)}"
    yield "  # incremental: {field: date}  # the column whose value grows, if only what is new is to be taken"
    yield "  contract:"
    yield "    mode: evolve"
    yield "    # key: []  # the columns that name one record: state them, so that a correction replaces it"
    if draft.columns:
        yield "    # columns:  # as the first records have them; take those that matter, with nullable: false"
        yield from (f"    #   - {column}" for column in draft.columns)


def _overrides(draft: Draft) -> Iterator[str]:
    rate = draft.value(About.RATE)
    if not rate and not draft.security:
        return
    yield "  overrides:"
    if rate:
        yield from _told(draft.proposals[About.RATE], "    ")
        yield f"    limits: {spelled(rate)}"
    if draft.security:
        yield f"    security: {spelled(draft.security)}"


def _told(proposal: Proposal, indent: str) -> Iterator[str]:
    """The confidence and the reasons as comments; what a server said cannot end one."""
    words = f"{proposal.about} {proposal.confidence:.2f}: {'; '.join(proposal.reasons)}".split()
    line = f"{indent}#"
    for word in ("".join(letter if letter.isprintable() else "?" for letter in word) for word in words):
        if len(line) + len(word) >= _WIDTH and line.strip() != "#":
            yield line
            line = f"{indent}#  "
        line += f" {word}"
    yield line


def _key(name: str) -> str:
    return name if _KEY.fullmatch(name) and name.lower() not in _OTHER_WORDS else json.dumps(name, ensure_ascii=False)
