"""What Airflow's provider manager is told of this package."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": ["string", "null"]}


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the shape of Airflow's `provider_info.schema.json`."""
    return {
        "package-name": "airflow-provider-finport-ingestion",
        "name": "FinPort Ingestion",
        "description": "Financial data ingestion described in YAML.",
        "connection-types": [_http(), _file(), _state()],
        "config": {
            "finport": {
                "description": "FinPort Ingestion",
                "options": {
                    "places": {
                        "description": "Where raw files, parts and datasets lie: a folder or an fsspec url.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://bucket/finport",
                        "default": "",
                    },
                    "shared_disk": {
                        "description": "Whether a local folder in `places` is seen by all workers.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "False",
                    },
                },
            }
        },
    }


def _http() -> dict[str, Any]:
    return {
        "connection-type": "finport_http",
        "hook-name": "FinPort API",
        "hook-class-name": "finport_ingestion.hooks.connection_types.HttpConnectionHook",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"host": "Base URL", "login": "Client id or login", "password": "Secret, key or password"},
            "placeholders": {"host": "https://api.vendor.example"},
        },
        "conn-fields": {
            "ca_file": {"label": "CA bundle", "schema": _TEXT, "description": "PEM file of a private CA."},
            "proxy": {"label": "Proxy", "schema": _TEXT, "description": "URL of the proxy to use."},
        },
    }


def _file() -> dict[str, Any]:
    return {
        "connection-type": "finport_file",
        "hook-name": "FinPort folder",
        "hook-class-name": "finport_ingestion.hooks.connection_types.FileConnectionHook",
        "ui-field-behaviour": {"hidden-fields": ["schema", "port", "host", "login", "password"], "relabeling": {}},
        "conn-fields": {"path": {"label": "Folder", "schema": {"type": "string"}, "description": "Absolute path."}},
    }


def _state() -> dict[str, Any]:
    return {
        "connection-type": "finport_state",
        "hook-name": "FinPort state database",
        "hook-class-name": "finport_ingestion.hooks.connection_types.StateConnectionHook",
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database"},
            "placeholders": {"host": "db.example", "port": "5432", "schema": "finport"},
        },
        "conn-fields": {},
    }
