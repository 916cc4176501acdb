"""The shipped sources in a project of their own, switched on and led to their stand-ins."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, cast

import yaml

from finport_ingestion.engine.config.loader import Document, load_documents
from finport_ingestion.engine.config.models.documents import Authentication, Source
from tests.cli.project import ProjectFolder
from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.web import WebServer
from tests.stand_ins.bodies import ROWS
from tests.stand_ins.guards import LOGIN, guarded, token_endpoint
from tests.stand_ins.provider import Provider

ROOT = Path(__file__).parents[2]
SHIPPED = {
    (document.kind, str(document.name)): document
    for document in load_documents(ROOT)
    if document.kind in ("Source", "Authentication", "Policy")
}
SOURCES = {name: SHIPPED["Source", name] for name in ROWS}
"""The documents of real providers, by name."""
ENVIRONMENT = {
    "SEC_USER_AGENT": "finport tests@example.org",
    "WIKIMEDIA_USER_AGENT": "finport tests@example.org",
    "BLOOMBERG_CATALOG": "stand-in",
    "XETRA_RELEASE": "stand-in",
    "FED_H15_PACKAGE": "stand-in",
    "BLS_REGISTRATION_KEY": PLANTED_SECRET,
}
_STEPS = (
    ("validate", "scheduler", "validate_source_availability"),
    ("connect", "connector", "establish_secure_connection"),
    ("collect", "collector", "collect_data_from_source"),
    ("convert", "converter", "convert_to_standard_format"),
    ("quality", "base-data-quality", "validate_data_quality"),
    ("store", "base-data-storage", "store_validated_data"),
)


class StandIns:
    """A project with every shipped source, and the server that stands in for all of their providers."""

    def __init__(self, folder: Path, server: WebServer) -> None:
        self.project = ProjectFolder(folder)
        self.environment = {**ENVIRONMENT}
        self.providers: dict[str, Provider] = {}
        self._server = server
        self._tokens = token_endpoint()
        server.add("/token", self._tokens)
        for name, document in SOURCES.items():
            self._add(name, document)
        for (kind, name), document in SHIPPED.items():
            if kind != "Source":
                self._write(kind, name, self._led_here(document))
        self._write("Workflow", "stand-ins", _workflow())

    def _add(self, name: str, document: Document) -> None:
        spec = cast("Source", document.model).spec
        provider = Provider(name, spec, origin=self._server.url())
        auth = (
            cast("Authentication", SHIPPED["Authentication", spec.authentication].model).spec.auth
            if (spec.authentication)
            else None
        )
        self._server.add(f"/{name}/*", guarded(provider, auth, self._tokens))
        self.providers[name] = provider
        values = self._led_here(document)
        values["spec"]["source"]["url"] = self._server.url(provider.base_path)
        self._write("Source", name, values)
        if spec.source.connection:
            fields = {"conn_type": "finport_http", "login": LOGIN, "password": PLANTED_SECRET}
            self.environment[f"AIRFLOW_CONN_{spec.source.connection.upper()}"] = json.dumps(fields)

    def _led_here(self, document: Document) -> dict[str, Any]:
        values = copy.deepcopy(dict(document.values))
        spec = values["spec"]
        if document.kind == "Source":
            spec["enabled"] = True
            values["metadata"]["labels"]["workflow"] = "stand-ins"
            overrides = spec.setdefault("overrides", {})
            overrides["limits"] = {"rate": "1000/second"}
            overrides["security"] = {"allowPrivateNetwork": True, "caFile": str(self._server.ca_path)}
        elif document.kind == "Authentication" and document.name != "oauth2-client-credentials":
            if str(spec["auth"].get("tokenUrl", "")).startswith("https"):
                spec["auth"]["tokenUrl"] = self._server.url("/token")
        elif document.name == "default":
            spec["settings"]["quality"]["report"] = False
            spec["settings"]["limits"]["globalRate"] = "1000/second"
            spec["settings"]["retry"] = {"strategy": "fixed", "delay": "0s"}
        return values

    def _write(self, kind: str, name: str, values: dict[str, Any]) -> None:
        folder = {"Source": "sources", "Authentication": "authentication", "Policy": "policies"}.get(kind, "workflows")
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        self.project.write(f"include/configs/{folder}/{name}.yaml", text)


def _workflow() -> dict[str, Any]:
    steps = [
        {"name": name, "agent": agent, "action": action, "timeout": "2m", "retries": 0}
        for name, agent, action in _STEPS
    ]
    return {
        "apiVersion": "finport.io/v1",
        "kind": "Workflow",
        "metadata": {"name": "stand-ins"},
        "spec": {
            "description": "Every shipped source.",
            "owner": "tests",
            "sources": {"matchLabels": {"workflow": "stand-ins"}},
            "timeout": "1h",
            "steps": steps,
        },
    }
