"""What a provider's public documentation says of a source, page by page, and what may be done with its data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.model import Spec

PublicPage = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", examples=["https://data.ecb.europa.eu/help/api/data"])]


class Verification(StrEnum):
    """How a claim was tried, the weakest first."""

    NONE = "none"
    STAND_IN = "stand-in"  # against a local server that answers in the documented form
    LIVE = "live"  # against the provider itself


class Claim(Spec):
    """One thing that the document says of the provider, and the page that says so."""

    url: PublicPage = Field(description="The provider's public page.")
    read_on: date | None = Field(default=None, description="The day on which the page was read; absent if it was not.")
    says: str | None = Field(default=None, description="What the page says, in our own words.", max_length=300)
    quote: str | None = Field(default=None, description="A few words of the page, letter for letter.", max_length=200)
    verification: Verification = Field(default=Verification.NONE, description="How the claim was tried.")

    @model_validator(mode="after")
    def _read_before_repeated(self) -> Self:
        if self.read_on is None and (self.quote or self.says):
            raise ValueError(
                "state readOn, the day it was read, beside what a page says; or leave 'says' and 'quote' out"
            )
        return self


class Documentation(Spec):
    """Claims by what they are about. What no claim covers is an assumption of ours."""

    contract_required: bool = Field(default=False, description="Whether data are given under a contract only.")
    licence: PublicPage | None = Field(default=None, description="The page with the terms of use.")
    address: Claim | None = Field(default=None, description="Base URL and path.")
    authentication: Claim | None = Field(default=None, description="How requests prove who asks.")
    pagination: Claim | None = Field(default=None, description="How pages follow.")
    format: Claim | None = Field(default=None, description="What the bytes are, and the columns.")
    rate_limit: Claim | None = Field(default=None, description="Requests that are allowed.")
    calendar: Claim | None = Field(default=None, description="When data are published.")
    terms: Claim | None = Field(default=None, description="What may be done with the data.")

    @property
    def claims(self) -> dict[str, Claim]:
        """The claims that are made, by what they are about."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: claim for name, claim in found.items() if isinstance(claim, Claim)}

    @property
    def verification(self) -> Verification:
        """The strongest of the claims'."""
        order = list(Verification)
        return max((claim.verification for claim in self.claims.values()), key=order.index, default=Verification.NONE)


Permission = Literal["allowed", "restricted", "forbidden", "unknown"]


class Rights(Spec):
    """What may be done with the data. It travels with them: manifests and events repeat it."""

    entitlement: Permission = Field(
        default="unknown",
        description="Whether everybody in the house may use them: `restricted` needs an entitlement of each user.",
    )
    redistribution: Permission = Field(default="unknown", description="Whether they may be given to others.")
