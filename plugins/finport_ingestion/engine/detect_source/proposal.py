"""What is proposed of a source, how sure it is, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class About(StrEnum):
    """What a proposal is about."""

    PROTOCOL = "protocol"
    AUTHENTICATION = "authentication"
    FORMAT = "format"
    PAGINATION = "pagination"
    CHANGES = "changes"
    RATE = "rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`value` is what a document would say, in YAML's spelling."""

    about: About
    value: Mapping[str, Any] = field(default_factory=dict)
    confidence: float  # 0 to 1
    reasons: tuple[str, ...]  # for a person, the weightiest first

    def surer(self, by: float, reason: str) -> Proposal:
        """The same with more behind it, never quite sure; a negative number for less."""
        confidence = round(min(0.98, max(0.05, self.confidence + by)), 2)
        return replace(self, confidence=confidence, reasons=(*self.reasons, reason))


def strongest(proposals: Sequence[Proposal]) -> Proposal:
    """The one with the highest confidence, the first of equals."""
    return max(proposals, key=lambda proposal: proposal.confidence)
