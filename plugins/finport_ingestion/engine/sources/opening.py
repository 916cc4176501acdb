"""A planned source as a live one: connection, credentials and limits put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.config.models.settings import SecuritySettings, Settings, parse_rate
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.resilience.credential import credential_key
from finport_ingestion.engine.resilience.forecast import Forecast
from finport_ingestion.engine.resilience.gate import Gate, LocalGate
from finport_ingestion.engine.resilience.gates import User
from finport_ingestion.engine.sources.interface import Access, ByteSource, RowSource
from finport_ingestion.engine.sources.registry import PROTOCOLS
from finport_ingestion.engine.sources.stand_in import only_new
from finport_ingestion.engine.step import StepContext

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.plan import PlannedSource

_ONCE_A_RUN = (EventType.AUTHENTICATED, EventType.CREDENTIALS_ROTATED)
"""The same fact however many tasks and processes find it."""


def open_source(context: StepContext) -> ByteSource | RowSource:
    """The source of this step. Nothing is contacted before it is used."""
    planned = context.source
    source: ByteSource | RowSource = PROTOCOLS.get(planned.source.protocol)(planned.source, access_of(context))
    if planned.known_items or planned.only_after:
        return only_new(source, known=planned.known_items, after=planned.only_after)
    return source


def access_of(context: StepContext) -> Access:
    """What the source of this step may use."""
    planned, settings = context.source, context.plan.settings(context.source, context.step)
    connection_id = planned.source.connection
    auth_connection_id = login_connection(planned)
    connection = _connection(context, connection_id)
    auth_connection = _connection(context, auth_connection_id)
    return Access(
        source=planned.name,
        connection=connection,
        auth=planned.auth,
        auth_connection=auth_connection if planned.auth else None,
        deadline=context.deadline,
        gate=_gate(context, _key(context), settings),
        protection=_protection(settings.security, connection),
        request_timeout_seconds=settings.limits.request_timeout.total_seconds(),
        connections=_connections(context, settings.limits.connections),
        cursor=planned.incremental.field if planned.incremental else None,
        start=context.flags.backfill_from or (planned.incremental.start if planned.incremental else None),
        vault=context.vault,
        told=partial(tell, context),
    )


def tell(context: StepContext, event_type: EventType, **facts: str | None) -> None:
    """Write an event about the source's authentication; nothing happens where no events are written."""
    watch = context.gates
    if watch is None:
        return
    user = _user(context, context.plan.settings(context.source, context.step))
    once_for = str(watch.run) if watch.run and event_type in _ONCE_A_RUN else None
    watch.tell(event_type, user, once_for=once_for, **login_facts(context.source), **facts)


def login_facts(source: PlannedSource) -> dict[str, str | None]:
    """How a source logs in, by names alone: `method` is its protocol where that brings the connection's own login."""
    connection_id = login_connection(source)
    own = source.source.protocol if connection_id else None
    return {"method": source.auth.method if source.auth else own, "connection": connection_id}


def login_connection(source: PlannedSource) -> str | None:
    """The id of the connection that holds the credentials; None where the source has none."""
    stated: str | None = getattr(source.auth, "connection", None)
    return stated or source.source.connection


def _gate(context: StepContext, key: str, settings: Settings) -> Gate:
    """Shared with all processes where the run knows how; another clock than the machine's is a time of its own."""
    if context.gates is None or not isinstance(context.deadline.clock, SystemClock):
        return LocalGate.of(key, parse_rate(settings.limits.rate), context.deadline.clock)
    user = _user(context, settings)
    context.gates.audit(user)
    return context.gates.gate(key, user)


def forecast(context: StepContext) -> Forecast | None:
    """Whether the requests that are left of the day suffice for the run; None where no quota is stated."""
    if context.gates is None:
        return None
    settings = context.plan.settings(context.source, context.step)
    if settings.limits.quota.requests is None:
        return None
    return context.gates.forecast(_key(context), _user(context, settings))


def _user(context: StepContext, settings: Settings) -> User:
    run = context.gates.run if context.gates else None
    source = context.source
    return User(
        source=source.served_by or source.name,
        run=run,
        settings=settings,
        endpoint=getattr(source.source, "path", None),
    )


def _key(context: StepContext) -> str:
    planned = context.source
    return credential_key(
        fallback=planned.served_by or planned.name,
        url=getattr(planned.source, "url", None),
        connection=_connection(context, planned.source.connection),
        login=_connection(context, login_connection(planned)),
    )


def _connections(context: StepContext, wanted: int) -> int:
    return wanted if context.gates is None else context.gates.connections(wanted)


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
