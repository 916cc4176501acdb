"""Where the demo's sources are, and the Airflow connections that lead to them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from demo.folder import DemoFolder

FILE = "endpoints.json"
ENVIRONMENT_FILE = "environment.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses and credentials of the three running sources."""

    api_port: int
    client_id: str
    client_secret: str = field(repr=False)
    ca_file: str
    prices_folder: str
    database_port: int
    database_name: str
    database_user: str
    database_password: str = field(repr=False)
    host: str = "127.0.0.1"

    @property
    def api_url(self) -> str:
        return f"https://{self.host}:{self.api_port}"

    @property
    def token_url(self) -> str:
        return f"{self.api_url}/oauth/token"

    def environment(self) -> dict[str, str]:
        """`AIRFLOW_CONN_*` variables, each a connection as JSON; they hold secrets."""
        return {
            "AIRFLOW_CONN_FINPORT_DEMO_API": json.dumps(
                {
                    "conn_type": "finport_http",
                    "host": self.api_url,
                    "login": self.client_id,
                    "password": self.client_secret,
                    "extra": {"ca_file": self.ca_file},
                }
            ),
            "AIRFLOW_CONN_FINPORT_DEMO_FILES": json.dumps(
                {"conn_type": "finport_file", "extra": {"path": self.prices_folder}}
            ),
            "AIRFLOW_CONN_FINPORT_DEMO_DATABASE": json.dumps(
                {
                    "conn_type": "postgres",
                    "host": self.host,
                    "port": self.database_port,
                    "schema": self.database_name,
                    "login": self.database_user,
                    "password": self.database_password,
                }
            ),
        }


def publish(endpoints: Endpoints, *, folder: DemoFolder) -> None:
    """Write the files by which other processes find running sources."""
    folder.write_json(ENVIRONMENT_FILE, endpoints.environment())
    folder.write_json(FILE, asdict(endpoints))


def withdraw(folder: DemoFolder) -> None:
    for name in (FILE, ENVIRONMENT_FILE):
        folder.remove(name)


def read_endpoints(folder: DemoFolder) -> Endpoints | None:
    """What `publish` wrote, None before that and after `withdraw`."""
    kept = folder.read_json(FILE)
    if set(kept) != {each.name for each in fields(Endpoints)}:
        return None
    return Endpoints(
        **{name: str(value) for name, value in kept.items() if not name.endswith("_port")},
        api_port=int(kept["api_port"]),
        database_port=int(kept["database_port"]),
    )
