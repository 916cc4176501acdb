"""The methods that an Authentication document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

METHODS: Registry[Any] = Registry(
    "authentication method",
    {
        "api_key": Entry("finport_ingestion.engine.auth.api_key:ApiKey"),
        "basic": Entry("finport_ingestion.engine.auth.basic:Basic"),
        "oauth2_client_credentials": Entry("finport_ingestion.engine.auth.oauth2:ClientCredentials"),
    },
)
