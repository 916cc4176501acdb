"""The source detection model (MD-01), in its first form: rules that say how sure they are, and why.

Evidence in, proposals out: no network, no clock, the same answer each time. A model that learns from what people
changed in the documents that were written can take its place without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Mapping

from finport_ingestion.engine.detect_source.authentication import authentication
from finport_ingestion.engine.detect_source.evidence import Evidence
from finport_ingestion.engine.detect_source.pagination import pagination
from finport_ingestion.engine.detect_source.proposal import About, Proposal
from finport_ingestion.engine.detect_source.rates import changes, rate


def proposals(evidence: Evidence) -> Mapping[About, Proposal]:
    """What is proposed of a source behind HTTP, but for its format, which is the recogniser's business."""
    found = (authentication(evidence), pagination(evidence), changes(evidence), rate(evidence))
    return {proposal.about: proposal for proposal in found}
