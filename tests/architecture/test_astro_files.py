"""The files that the Astro CLI and Docker read: they parse, and name what the package needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!;~ ]", requirement, maxsplit=1)[0].lower()


def _requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_the_image_is_the_runtime_of_airflow_3_3_and_installs_the_package() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    instructions = [line for line in lines if line and not line.startswith("#")]
    assert instructions[0] == "FROM astrocrpublic.azurecr.io/runtime:3.3-7-python-3.12"
    assert any("pip install" in line and "--no-deps" in line for line in instructions)
    copied = [part for line in instructions if line.startswith("COPY") for part in line.split()[2:-1]]
    assert copied
    assert all((ROOT / path).exists() for path in copied)


def test_the_images_requirements_are_those_of_the_package_without_airflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {_name(requirement) for requirement in project["dependencies"]} - {"apache-airflow"}
    named = {_name(requirement) for requirement in _requirements()}
    assert wanted <= named
    assert "apache-airflow" not in named
    assert {
        f"apache-airflow-providers-{name}" for name in ("amazon", "apache-kafka", "cncf-kubernetes", "sftp")
    } <= named
    assert {"pandas", "pyarrow", "great-expectations"} <= named


def test_every_requirement_of_the_image_is_in_the_lock() -> None:
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock.txt").read_text(), re.MULTILINE))
    assert {_name(requirement) for requirement in _requirements()} <= locked


def test_the_local_servers_keep_their_files_and_open_no_port_to_the_network() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.override.yml").read_text())
    assert set(compose["services"]) == {f"finport-{name}" for name in ("postgres", "redis", "kafka", "minio", "sftp")}
    for name, service in compose["services"].items():
        assert service["image"], name
        assert all(volume.split(":")[0] in compose["volumes"] for volume in service["volumes"])
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
    assert compose["services"]["finport-kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"


def test_the_settings_name_connections_pools_and_variables() -> None:
    settings = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text())["airflow"]
    connections = {connection["conn_id"] for connection in settings["connections"]}
    assert {"finport_state", "finport_redis", "finport_store"} <= connections
    assert {pool["pool_name"] for pool in settings["pools"]} == {"collector", "converter"}
