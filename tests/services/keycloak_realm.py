"""The realm of the tests' Keycloak: a client for each way to prove itself, two people, and a SAML service."""

from __future__ import annotations

from typing import Any

REALM = "finport"
SAML_SERVICE = "https://sp.finport.test/saml"
LOGINS = ("alice", "otto")
OTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of `otto`, who needs a code beside the password; base32."""
ASSERTION_ISSUER = "https://assertions.finport.test"
"""Whose JWT assertions (RFC 7523) the realm takes, for the subject `alice-there`."""
CLIENT_NAME = "finport-client"
"""The common name of the client certificate that the client `tls` proves itself with."""
_BY_NAME = {"x509.subjectdn": f".*CN={CLIENT_NAME}.*", "x509.allow.regex.pattern.comparison": "true"}


def realm(*, secret: str, public_key: str, certificate: str) -> dict[str, Any]:
    """What Keycloak imports.

    Args:
        secret: Of all clients and people.
        public_key: PEM; of the key that signs assertions.
        certificate: Of the same key, base64 of DER.
    """
    return {
        "realm": REALM,
        "enabled": True,
        "accessTokenLifespan": 300,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "oauth2DevicePollingInterval": 1,
        "users": [_alice(secret), _otto(secret)],
        "identityProviders": [_assertions(public_key)],
        "clients": [
            _service("svc", secret=secret),
            _service("brief", secret=secret, attributes={"access.token.lifespan": "1"}),
            _service("jwt", proof="client-jwt", attributes={"jwt.credential.certificate": certificate}),
            _service("tls", proof="client-x509", attributes=_BY_NAME),
            _for_people(secret),
            _saml(),
        ],
    }


def _service(
    name: str, *, secret: str | None = None, proof: str = "client-secret", attributes: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "clientId": name,
        "clientAuthenticatorType": proof,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "publicClient": False,
        "attributes": attributes or {},
    } | ({"secret": secret} if secret else {})


def _for_people(secret: str) -> dict[str, Any]:
    return {
        "clientId": "people",
        "secret": secret,
        "publicClient": False,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": True,
        "attributes": {
            "oauth2.device.authorization.grant.enabled": "true",
            "oauth2.jwt.authorization.grant.enabled": "true",
            "oauth2.jwt.authorization.grant.idp": "assertions",
        },
    }


def _saml() -> dict[str, Any]:
    return {
        "clientId": SAML_SERVICE,
        "protocol": "saml",
        "redirectUris": ["https://127.0.0.1:*"],
        "attributes": {
            "saml.assertion.signature": "true",
            "saml.server.signature": "true",
            "saml.client.signature": "false",
            "saml.force.post.binding": "true",
            "saml.allow.ecp.flow": "true",
            "saml_name_id_format": "username",
        },
    }


def _person(name: str, credentials: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "email": f"{name}@finport.test",
        "emailVerified": True,
        "firstName": name.title(),
        "lastName": "Test",
        "credentials": credentials,
    }


def _alice(secret: str) -> dict[str, Any]:
    link = {"identityProvider": "assertions", "userId": "alice-there", "userName": "alice-there"}
    return {**_person("alice", [_password(secret)]), "federatedIdentities": [link]}


def _otto(secret: str) -> dict[str, Any]:
    code = {
        "type": "otp",
        "secretData": f'{{"value": "{OTP_SECRET}"}}',
        "credentialData": '{"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1",'
        ' "secretEncoding": "BASE32"}',
    }
    return _person("otto", [_password(secret), code])


def _password(secret: str) -> dict[str, Any]:
    return {"type": "password", "value": secret, "temporary": False}


def _assertions(public_key: str) -> dict[str, Any]:
    return {
        "alias": "assertions",
        "providerId": "jwt-authorization-grant",
        "enabled": True,
        "config": {
            "issuer": ASSERTION_ISSUER,
            "useJwksUrl": "false",
            "publicKeySignatureVerifier": public_key,
            "jwtAuthorizationGrantEnabled": "true",
        },
    }
