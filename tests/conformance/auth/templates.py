"""The templates that are shipped, as the `auth` blocks that they are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = (
    Path(__file__).parents[3]
    / "include/configs/authentication/base-data-ingestion-config-authentication-templates.yaml"
)


@cache
def templates() -> dict[str, dict[str, Any]]:
    """By name."""
    documents = yaml.safe_load_all(FILE.read_text())
    return {document["metadata"]["name"]: document["spec"]["auth"] for document in documents}
