"""One Airflow on this machine: its settings, its secrets and the components that it is made of."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from demo.airflow_home import HOME, settings
from demo.components import Component
from demo.folder import DemoFolder

HOST: Final = "127.0.0.1"
ADMIN: Final = "admin"
SECRETS_FILE: Final = "secrets.json"
LOGINS_FILE: Final = "logins.json"

API_SERVER: Final = "api-server"
# In the order in which they are stopped: who makes work first, the one that all report to last.
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    # The logs lie on this machine, where the API server reads them as files: no port is opened for them.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    API_SERVER: ("api-server",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSecrets:
    """Made once for a folder, so that a restart reads what the last start encrypted and signed."""

    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    api_secret: str = field(repr=False)
    admin_password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowSite:
    """Where one Airflow lives, listens and keeps its data."""

    folder: DemoFolder  # AIRFLOW_HOME, and where component logs lie
    port: int
    metadata_url: str  # postgresql+psycopg://...
    connections: Mapping[str, str]  # AIRFLOW_CONN_* variables
    secrets: SiteSecrets

    @property
    def url(self) -> str:
        """Of the UI and the REST API."""
        return f"http://{HOST}:{self.port}"

    def prepare(self) -> None:
        """Write the file that Airflow reads its one user's password from."""
        self.folder.write_json(LOGINS_FILE, {ADMIN: self.secrets.admin_password})

    def variables(self) -> dict[str, str]:
        """The settings; they hold secrets."""
        home = self.folder.path
        return {
            **settings(home),
            **_limits(),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": self.secrets.api_secret,
            "AIRFLOW__API_AUTH__JWT_SECRET": self.secrets.jwt_secret,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": self.secrets.fernet_key,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / LOGINS_FILE),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.metadata_url,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.folder.logs / "tasks"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.folder.logs / "parsing"),
            "AIRFLOW__FINPORT__PLACES": str(home / "places"),
            **self.connections,
        }

    def components(self, variables: Mapping[str, str]) -> tuple[Component, ...]:
        """Airflow's processes, with `variables` as their settings."""
        environment = {**inherited(), **variables}
        return tuple(
            Component(name=name, command=airflow_command(*words), environment=environment)
            for name, words in COMMANDS.items()
        )


def airflow_command(*words: str) -> tuple[str, ...]:
    """Airflow's command line in this Python."""
    return (sys.executable, "-m", "airflow", *words)


def inherited() -> dict[str, str]:
    """Our environment, without settings of another Airflow, and with no proxy before this machine's own servers."""
    dropped = ("AIRFLOW__", "AIRFLOW_CONFIG", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # Each task is a process that imports Airflow: without compiled modules it takes seconds more. The folder of their
    # own keeps them out of the work tree.
    kept["PYTHONPYCACHEPREFIX"] = str(HOME / "pycache")
    own = f"{HOST},localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), own)))
    return kept


def secrets_of(folder: DemoFolder) -> SiteSecrets:
    """The folder's secrets, made when there are none or the file is damaged."""
    kept = folder.read_json(SECRETS_FILE)
    if set(kept) == {each.name for each in fields(SiteSecrets)}:
        return SiteSecrets(**{name: str(value) for name, value in kept.items()})
    made = SiteSecrets(
        fernet_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        api_secret=secrets.token_urlsafe(48),
        admin_password=secrets.token_urlsafe(9),
    )
    folder.write_json(SECRETS_FILE, asdict(made))
    return made


def connection_variable(connection_id: str, connection: Mapping[str, object]) -> dict[str, str]:
    """A connection as the variable in which Airflow and `finport` look for it."""
    return {f"AIRFLOW_CONN_{connection_id.upper()}": json.dumps(connection)}


def write_shell_settings(path: Path, variables: Mapping[str, str]) -> None:
    """Write `variables` for `source`, so that `airflow` and `finport` in a shell see the same as the components."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def _limits() -> dict[str, str]:
    """What makes it quick and small on one machine."""
    return {
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "5",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }
