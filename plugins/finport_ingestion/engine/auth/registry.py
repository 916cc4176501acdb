"""The methods that an Authentication document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

METHODS: Registry[Any] = Registry(
    "authentication method",
    {
        "api_key": Entry("finport_ingestion.engine.auth.api_key:ApiKey"),
        "aws_sigv4": Entry("finport_ingestion.engine.auth.aws:AwsSigV4"),
        "basic": Entry("finport_ingestion.engine.auth.basic:Basic"),
        "bearer": Entry("finport_ingestion.engine.auth.bearer:BearerToken"),
        "hmac": Entry("finport_ingestion.engine.auth.key_signature:Hmac"),
        "jwt": Entry("finport_ingestion.engine.auth.signed_jwt:Jwt"),
        "mtls": Entry("finport_ingestion.engine.auth.mtls:Mtls"),
        "oauth2_client_credentials": Entry("finport_ingestion.engine.auth.oauth2:ClientCredentials"),
        "oauth2_device": Entry("finport_ingestion.engine.auth.oauth2_device:Device"),
        "oauth2_jwt_bearer": Entry("finport_ingestion.engine.auth.oauth2_jwt:JwtBearer"),
        "oauth2_refresh_token": Entry("finport_ingestion.engine.auth.oauth2_refresh:RefreshToken"),
        "oauth2_saml_bearer": Entry("finport_ingestion.engine.auth.oauth2_saml:SamlBearer"),
        "saml": Entry("finport_ingestion.engine.auth.saml:Saml"),
        "session": Entry("finport_ingestion.engine.auth.session:Session"),
    },
)
