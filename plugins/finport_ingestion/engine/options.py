"""The bases of what a plug-in lets people write in a document."""

from __future__ import annotations

from pydantic import Field

from finport_ingestion.engine.model import Spec


class SourceOptions(Spec):
    """The `source` block of a Source document; each protocol adds its own keys."""

    protocol: str = Field(description="How the source is reached.")
    connection: str | None = Field(default=None, description="Airflow connection id: address and credentials.")


class FormatOptions(Spec):
    """The `convert` block of a Format or Source document; each format adds its own keys."""

    format: str = Field(description="What the bytes are.")


class StorageOptions(Spec):
    """The `store` settings; each storage adds its own keys."""

    storage: str = Field(description="Where checked records go.")


class AuthOptions(Spec):
    """The `auth` block of an Authentication document; each method adds its own keys."""

    method: str = Field(description="How requests prove who asks.")
