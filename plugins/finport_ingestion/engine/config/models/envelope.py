"""What the five kinds of documents have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from finport_ingestion.engine.model import Spec

API_VERSION = "finport.io/v1"
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")


def _dns_1123(name: str) -> str:
    if not _LABEL.match(name):
        raise ValueError("a name has 1 to 63 of a-z, 0-9 and '-', and begins and ends with a letter or digit")
    return name


DnsName = Annotated[
    str,
    AfterValidator(_dns_1123),
    Field(json_schema_extra={"pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}),
]


class Metadata(Spec):
    """Who a document is, in Kubernetes' terms."""

    name: DnsName = Field(description="Unique among the documents of its kind; letters, digits and '-'.")
    labels: Mapping[str, str] = Field(default_factory=dict, description="Used by workflows to select sources.")
    annotations: Mapping[str, str] = Field(default_factory=dict, description="Notes for people and tools.")


class Envelope(Spec):
    """`apiVersion`, `kind`, `metadata` and `spec`: every document is also a valid Kubernetes resource."""

    api_version: Literal["finport.io/v1"] = Field(description="The version of the document format.")
    metadata: Metadata = Field(description="Name, labels and annotations.")


class Described(Spec):
    """What every `spec` says of itself."""

    description: str = Field(description="One or two sentences for the person on call.", min_length=1)
    owner: DnsName = Field(description="The team that answers for it; becomes the owner of the DAG's tasks.")
