"""A planned source as a live one: connection, credentials and limits put together."""

from __future__ import annotations

from finport_ingestion.engine.config.models.settings import parse_rate
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.engine.sources.interface import Access, ByteSource, RowSource
from finport_ingestion.engine.sources.registry import PROTOCOLS
from finport_ingestion.engine.step import StepContext


def open_source(context: StepContext) -> ByteSource | RowSource:
    """The source of this step. Nothing is contacted before it is used."""
    planned, settings = context.source, context.plan.settings(context.source, context.step)
    connection_id = planned.source.connection
    auth_connection_id = getattr(planned.auth, "connection", None) or connection_id
    access = Access(
        source=planned.name,
        connection=_connection(context, connection_id),
        auth=planned.auth,
        auth_connection=_connection(context, auth_connection_id) if planned.auth else None,
        deadline=context.deadline,
        request_timeout_seconds=settings.limits.request_timeout.total_seconds(),
        rate=parse_rate(settings.limits.rate),
        min_tls=settings.security.min_tls,
        cursor=planned.incremental.field if planned.incremental else None,
        start=planned.incremental.start if planned.incremental else None,
    )
    source: ByteSource | RowSource = PROTOCOLS.get(planned.source.protocol)(planned.source, access)
    return source


def _connection(context: StepContext, connection_id: str | None) -> ConnectionSpec | None:
    if connection_id is None:
        return None
    try:
        return context.connections.get(connection_id)
    except MissingConnection as error:
        raise MissingConnection(f"{context.source.name}: {error.message}", hint=error.hint) from error
