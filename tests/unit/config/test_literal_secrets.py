"""Secrets that stand in documents: the rule is told, never the value."""

from __future__ import annotations

import base64
import random
import string

import pytest

from finport_ingestion.engine.config.literal_secrets import find_secrets
from tests.unit.config.project import ProjectFolder, source

# Put together here, so that no scanner takes this file for a leak.
AWS_KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
TOKEN = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb924" + "27ae41e4649b934ca495991b7852b855"


def rules(values: object) -> list[str]:
    return [rule for _, rule in find_secrets(values)]


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWORD",
        "db_password",
        "clientSecret",
        "client-secret",
        "token",
        "accessToken",
        "apiKey",
        "X-Api-Key",
        "privateKey",
        "passphrase",
        "secretKey",
        "credentials",
        "Authorization",
        "Cookie",
        "sharedAccessSignature",
    ],
)
def test_a_text_under_a_secret_name_is_a_secret(key: str) -> None:
    assert rules({"spec": {key: "hunter2"}}) == [f"key name '{key}'"]
    assert rules({"spec": {key: 12345678}}) == [f"key name '{key}'"]
    assert rules({"spec": {key: ["hunter2"]}}) == [f"key name '{key}'"]


@pytest.mark.parametrize("value", ["${VENDOR_SECRET}", "Bearer ${VENDOR_TOKEN}", "${VENDOR_SECRET:-}", "", None, True])
def test_a_variable_under_a_secret_name_is_none(value: object) -> None:
    assert rules({"clientSecret": value}) == []


@pytest.mark.parametrize("value", ["${VENDOR_SECRET:-hunter2}", "x${VENDOR_SECRET}", "Bearer abc"])
def test_a_variable_does_not_hide_the_secret_beside_it(value: str) -> None:
    assert rules({"clientSecret": value}) == ["key name 'clientSecret'"]


@pytest.mark.parametrize(
    "key",
    ["tokenUrl", "tokenPath", "passwordFile", "secretName", "header", "key", "mergeKeys", "primaryKey", "nextToken",
     "pageToken", "continuationToken", "partitionBy", "columns"],
)  # fmt: skip
def test_keys_that_only_refer_to_a_secret_are_none(key: str) -> None:
    assert rules({key: "X-Api-Key"}) == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (AWS_KEY_ID, "AWS access key"),
        (f"the key is {AWS_KEY_ID}.", "AWS access key"),
        (PEM, "PEM private key"),
        (TOKEN, "JSON web token"),
        ("postgresql://finport:hunter2@db.example.com/prices", "password in a URL"),
        ("https://api.example.com/v1?format=csv&api_key=hunter2", "secret in a URL"),
        ("Server=db;Password=hunter2;Database=x", "secret in a connection string"),
        ("Bearer abcdefghijklmnop", "bearer token"),
        ("gh" + "p_0123456789abcdefghijABCDEFGHIJ012345", "vendor token"),
        ("xox" + "b-1234567890-abcdefghij", "vendor token"),
        (AWS_SECRET, "long random text"),
        (SHA256, "long random text"),
    ],
)
def test_texts_of_known_shapes_are_secrets_wherever_they_stand(value: str, rule: str) -> None:
    assert rules({"spec": {"description": value}}) == [rule]


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://db.example.com/prices",
        "https://${USER}:${PASSWORD}@api.example.com",
        "https://api.example.com/v1/7d793037a0760186574b0282f2f435e7/prices",
        "/mnt/drop/7d793037a0760186574b0282f2f435e7/prices.csv",
        "${FINPORT_PROJECT}/include/samples/a1B2c3",
        "data/2024Q1/ABCdef12345/file.csv",
        "vendor-a1b2c3d4.eu-central-1.amazonaws.com",
        "us-10y-treasury-yield-2y-5y-30y",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "maxConcurrentRequestsPerHostAndPort2024",
        "819ff58f-cf65-4b57-8b99-2d689adfaacf",
        "SELECT id, px_last FROM market.prices_2024_v2 WHERE updated_at > '2024-01-01T00:00:00+00:00'",
        "US0378331005,US5949181045,US02079K3059",
        "[A-Z]{2}[A-Z0-9]{9}[0-9]",
        "AAPL/MSFT/GOOG/AMZN/META/TSLA/NVDA",
        "0000320193-24-000123",
    ],
)
def test_addresses_paths_names_and_identifiers_are_no_secrets(value: str) -> None:
    assert rules({"spec": {"description": value}}) == []


@pytest.mark.parametrize("key", ["sha256", "expectedSha256", "checksum", "finport.io/digest", "fingerprint", "etag"])
def test_checksums_are_no_secrets(key: str) -> None:
    assert rules({key: SHA256}) == []


def test_most_random_texts_are_found() -> None:
    chance = random.Random(7)
    made = [
        *("".join(chance.choices("0123456789abcdef", k=40)) for _ in range(300)),
        *("".join(chance.choices(string.ascii_letters + string.digits, k=32)) for _ in range(300)),
        *(base64.b64encode(chance.randbytes(30)).decode() for _ in range(300)),
    ]
    found = sum(bool(rules({"note": text})) for text in made)
    assert found > 0.9 * len(made)


def test_a_secret_is_refused_with_its_line_and_its_rule_and_never_its_value(project: ProjectFolder) -> None:
    headers = f"{{X-Api-Key: hunter2, X-Note: {AWS_KEY_ID}}}"
    text = source("a").replace("{protocol: file, path: /prices}", f"{{protocol: http, headers: {headers}}}")
    project.write("sources/a.yaml", text)
    project.workflow("w")
    fix = "write ${VARIABLE}, or leave it to the connection"
    assert project.mistakes() == [
        f"sources/a.yaml:9:49: spec.source.headers.X-Api-Key: a literal secret (rule: key name 'X-Api-Key'); {fix}",
        f"sources/a.yaml:9:66: spec.source.headers.X-Note: a literal secret (rule: AWS access key); {fix}",
    ]
    assert project.catalog().usable_workflows == ()


def test_no_other_mistake_shows_the_secret(project: ProjectFolder) -> None:
    project.write(
        "authentication/a.yaml",
        """
        apiVersion: finport.io/v1
        kind: Authentication
        metadata: {name: a}
        spec:
          description: A test.
          owner: tests
          auth:
            method: oauth2_client_credentials
            tokenUrl: /token
            clientSecret: 12345678
            clientId: 87654321
        """,
    )
    (identity, secret) = sorted(project.mistakes(), key=lambda mistake: "Secret" in mistake)
    assert identity.endswith("spec.auth.clientId: must be text, and is a whole number; put it in quotes")
    assert "rule: key name 'clientSecret'" in secret
    assert "12345678" not in "".join(project.mistakes())
