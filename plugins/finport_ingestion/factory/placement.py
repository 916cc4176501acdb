"""Refuses, at parse, places that an executor's workers would not share."""

from __future__ import annotations

from airflow.configuration import conf

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.files import local_path
from finport_ingestion.engine.project import Project

_ONE_MACHINE = ("LocalExecutor", "SequentialExecutor")


def configured_places() -> str | None:
    """`[finport] places` of Airflow's configuration; None where it is not set."""
    return conf.get("finport", "places", fallback="") or None


def leaves_the_machine() -> bool:
    """Whether an executor is configured whose tasks run on other machines."""
    executors = [name.split(":")[-1].strip() for name in conf.get("core", "executor").split(",")]
    return any(executor.rpartition(".")[2] not in _ONE_MACHINE for executor in executors)


def check_placement(project: Project) -> None:
    """Raise ConfigError when parts would lie on a disk that other workers do not see."""
    places = project.places(configured_places())
    if (
        local_path(places.root) is not None
        and leaves_the_machine()
        and not conf.getboolean("finport", "shared_disk", fallback=False)
    ):
        raise ConfigError(
            f"{places.root} is a local folder, but {conf.get('core', 'executor')} runs tasks on other machines.",
            hint="set [finport] places to an object store (s3://...), or [finport] shared_disk = True where all see it",
        )
