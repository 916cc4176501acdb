"""The operator of each agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finport_ingestion.engine.registry import Entry, Registry

if TYPE_CHECKING:
    from finport_ingestion.operators.step import StepOperator

AGENTS: Registry[type[StepOperator]] = Registry(
    "agent",
    {
        "base-data-quality": Entry("finport_ingestion.operators.quality:QualityOperator"),
        "base-data-storage": Entry("finport_ingestion.operators.storage:StorageOperator"),
        "collector": Entry("finport_ingestion.operators.collector:CollectOperator"),
        "connector": Entry("finport_ingestion.operators.connector:ConnectOperator"),
        "converter": Entry("finport_ingestion.operators.converter:ConvertOperator"),
        "scheduler": Entry("finport_ingestion.operators.scheduler:ScheduleOperator"),
    },
)


def operator_of(agent: str) -> type[StepOperator]:
    """The operator that carries out an agent's actions."""
    return AGENTS.get(agent)
