"""A planned source as a live one: connection, credentials and limits put together."""

from __future__ import annotations

from finport_ingestion.engine.config.models.settings import SecuritySettings, parse_rate
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.resilience.gate import LocalGate
from finport_ingestion.engine.sources.interface import Access, ByteSource, RowSource
from finport_ingestion.engine.sources.registry import PROTOCOLS
from finport_ingestion.engine.step import StepContext


def open_source(context: StepContext) -> ByteSource | RowSource:
    """The source of this step. Nothing is contacted before it is used."""
    planned, settings = context.source, context.plan.settings(context.source, context.step)
    connection_id = planned.source.connection
    auth_connection_id = getattr(planned.auth, "connection", None) or connection_id
    connection = _connection(context, connection_id)
    access = Access(
        source=planned.name,
        connection=connection,
        auth=planned.auth,
        auth_connection=_connection(context, auth_connection_id) if planned.auth else None,
        deadline=context.deadline,
        gate=LocalGate.of(auth_connection_id or planned.name, parse_rate(settings.limits.rate), context.deadline.clock),
        protection=_protection(settings.security, connection),
        request_timeout_seconds=settings.limits.request_timeout.total_seconds(),
        connections=settings.limits.connections,
        cursor=planned.incremental.field if planned.incremental else None,
        start=context.flags.backfill_from or (planned.incremental.start if planned.incremental else None),
    )
    source: ByteSource | RowSource = PROTOCOLS.get(planned.source.protocol)(planned.source, access)
    return source


def _protection(security: SecuritySettings, connection: ConnectionSpec | None) -> Protection:
    extra = connection.extra if connection else {}
    return Protection(
        min_tls=security.min_tls,
        allow_plaintext=security.allow_plaintext,
        allow_private_network=security.allow_private_network,
        ca_file=extra.get("ca_file") or security.ca_file,
        proxy=extra.get("proxy") or security.proxy,
    )


def _connection(context: StepContext, connection_id: str | None) -> ConnectionSpec | None:
    if connection_id is None:
        return None
    try:
        return context.connections.get(connection_id)
    except MissingConnection as error:
        raise MissingConnection(f"{context.source.name}: {error.message}", hint=error.hint) from error
