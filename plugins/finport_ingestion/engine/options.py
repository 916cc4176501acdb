"""The bases of what a plug-in lets people write in a document."""

from __future__ import annotations

from pydantic import Field

from finport_ingestion.engine.model import Spec


class SourceOptions(Spec):
    """The `source` block of a Source document; each protocol adds its own keys."""

    protocol: str = Field(description="How the source is reached.")
    connection: str | None = Field(default=None, description="Airflow connection id: address and credentials.")


class UnpackOptions(Spec):
    """How compression, archives and encryption around the data are opened; which of them it is, the bytes say."""

    members: str | None = Field(
        default=None, description="Which files of an archive are data, e.g. `prices-*.csv`; all of them by default."
    )
    union: bool = Field(default=False, description="The files of an archive are one table; otherwise each is its own.")
    connection: str | None = Field(
        default=None, description="Connection whose password opens the archive, or unlocks the PGP key."
    )
    key_id: str | None = Field(
        default=None, description="PGP key (id or fingerprint) in the keyring of GNUPGHOME that decrypts the file."
    )


class FormatOptions(Spec):
    """The `convert` block of a Format or Source document; each format adds its own keys."""

    format: str = Field(description="What the bytes are.")
    table: str | None = Field(
        default=None, description="Which table of a file that holds several a Source takes, e.g. a sheet."
    )
    unpack: UnpackOptions = Field(
        default_factory=UnpackOptions, description="How compression, archives and encryption are opened."
    )


class StorageOptions(Spec):
    """The `store` settings; each storage adds its own keys."""

    storage: str = Field(description="Where checked records go.")

    @property
    def upserts(self) -> bool:
        """Whether a record takes the place of an earlier one of its key."""
        return False


class AuthOptions(Spec):
    """The `auth` block of an Authentication document; each method adds its own keys."""

    method: str = Field(description="How requests prove who asks.")
