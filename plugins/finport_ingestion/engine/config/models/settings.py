"""What may be set once for all and overridden closer to the work: default policy, policy, source, step.

A document states any part of it; what nobody states has the default that stands here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.config.models.plugged import one_of
from finport_ingestion.engine.limits import ReadLimits
from finport_ingestion.engine.model import Duration, Spec, parse_duration
from finport_ingestion.engine.options import StorageOptions
from finport_ingestion.engine.store.registry import STORAGES

if TYPE_CHECKING:
    AnyStorage: TypeAlias = StorageOptions
else:
    AnyStorage = one_of(STORAGES, "storage")

Share = Annotated[float, Field(ge=0, le=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of the zone database
        raise ValueError("no such time zone; use a name such as Europe/Berlin or UTC") from error
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]

_SHORTEST_CHECK = timedelta(minutes=1)
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


def parse_rate(text: str) -> tuple[int, int]:
    """`100/minute` as (requests, seconds).

    Raises:
        ValueError: It is not written like a rate.
    """
    amount, _, period = text.partition("/")
    if not amount.isdigit() or int(amount) == 0 or period not in _PERIODS:
        raise ValueError("a rate is written like 100/minute; the periods are second, minute, hour and day")
    return int(amount), _PERIODS[period]


def is_above(rate: str, limit: str) -> bool:
    """Whether `rate` cannot be kept up within `limit`: more requests per second, whatever the two periods are.

    Each is a sliding window, and both hold at once. Over a long time n requests per w seconds come to n/w a second, so
    that a rate above the limit's is never reached for long. One that is not above it can be used whole, period after
    period: sent evenly, w/n apart, no window of a limit of N per W holds more than W*n/w of them, rounded up, and N is
    whole. It cannot always be used at one go: 1000/hour within 100/minute takes ten minutes, by the limit's window.

    So 5/second is fine within 1000/minute, and 17/second is not, although no second holds a thousand requests.
    """
    requests, seconds = parse_rate(rate)
    most, period = parse_rate(limit)
    return requests * period > most * seconds


def _rate(text: str) -> str:
    parse_rate(text)
    return text


Rate = Annotated[str, AfterValidator(_rate), Field(examples=["100/minute"])]


class ChangeSettings(Spec):
    """How an item is recognised as unchanged; the cheapest answer that the source gives decides."""

    detect: tuple[Literal["etag", "lastModified", "size", "sha256", "recordCount"], ...] = Field(
        default=("etag", "lastModified", "size", "sha256"),
        description="The tests to use, of C-22's ladder: what the source states first, then the bytes.",
    )
    etag_lifetime: Duration = Field(default=parse_duration("24h"), description="How long an ETag is believed.")
    record_count_tolerance: Share = Field(default=0.05, description="A count within this share is the same count.")


class QualitySettings(Spec):
    """The gate that data passes before it is published."""

    validate_schema: bool = Field(default=True, description="Check the contract's columns and types.")
    min_rows: int = Field(default=1, ge=0, description="Fewer records than this fail the gate.")
    min_completeness: Share = Field(default=0.95, description="Least share of records that arrive whole.")
    max_null_share: Share = Field(default=0.10, description="Largest share of nulls in a column not called nullable.")
    max_duplicate_share: Share = Field(default=0.05, description="Largest share of records with a key seen before.")
    max_error_share: Share = Field(default=0.01, description="Largest share of quarantined records.")
    min_score: float = Field(default=80, ge=0, le=100, description="Least score, 0 to 100.")
    quarantine: bool = Field(default=True, description="Keep bad records for repair; otherwise they are only counted.")
    mask: Literal["none", "partial", "full"] = Field(default="partial", description="How bad values are shown.")
    report: bool = Field(default=True, description="Write the report that a person can read (GX Data Docs).")
    skip: bool = Field(default=False, description="Publish without checking; only overrides of a run set it.")


class RetentionSettings(Spec):
    """How long things are kept; `finport clean` removes what is older."""

    landing: Duration = Field(default=parse_duration("30d"), description="Raw bytes; a replay needs them.")
    staging: Duration = Field(default=parse_duration("3d"), description="Parts between steps.")
    quarantine: Duration = Field(default=parse_duration("90d"), description="Bad records.")
    reports: Duration = Field(default=parse_duration("90d"), description="Quality reports.")
    snapshots: Duration = Field(default=parse_duration("30d"), description="Superseded states of a dataset.")
    ledger: Duration = Field(default=parse_duration("400d"), description="Runs, steps and sent events.")


class RetrySettings(Spec):
    """How long to wait before another try."""

    strategy: Literal["exponential", "linear", "fixed"] = Field(default="exponential", description="How waits grow.")
    delay: Duration = Field(default=parse_duration("10s"), description="The first wait.")
    max_delay: Duration = Field(default=parse_duration("10m"), description="No wait is longer.")


class QuotaSettings(Spec):
    """The requests of a day, counted over all runs and processes; they begin anew at local midnight."""

    requests: int | None = Field(default=None, gt=0, description="How many; without it, no day is limited.")
    time_zone: TimeZone = Field(default="UTC", description="Whose midnight begins the day.")
    priority: tuple[str, ...] = Field(
        default=(),
        description="Paths of sources (`/v1/prices*`) that are asked although the day's requests are used. The vendor's"
        " rate binds them as well.",
    )


class LimitSettings(Spec):
    """What a source is spared, and what a run may use."""

    rate: Rate = Field(
        default="100/minute",
        description="Requests with this credential, over all processes: no period of that length holds more.",
    )
    global_rate: Rate = Field(
        default="1000/minute",
        description="Requests to all sources together; no `rate` may be above it, counted per second. Policies state"
        " it, and overrides may only lower it.",
    )
    burst: int = Field(
        default=200,
        ge=1,
        description="Requests that may follow each other without a pause; they are part of the rate, so that never more"
        " than the rate's do.",
    )
    quota: QuotaSettings = Field(default_factory=QuotaSettings, description="Requests of a day.")
    processes: int = Field(
        default=16,
        ge=1,
        description="Processes that may ask at a time, such as the slots of the Airflow pool: while the store of the"
        " rates is down, each takes rate / processes.",
    )
    sessions: int = Field(default=10, ge=1, description="Processes that use one credential at a time.")
    session_timeout: Duration = Field(default=parse_duration("30m"), description="When an idle session is given up.")
    request_timeout: Duration = Field(default=parse_duration("30s"), description="For one request.")
    connections: int = Field(default=10, ge=1, le=1000, description="Requests or sessions at a time, in one process.")
    item_size_bytes: int = Field(default=10 * 1024**3, gt=0, description="A larger item is refused.")
    max_items: int = Field(default=10_000, gt=0, description="Items a run takes; the rest waits for the next run.")


class CircuitSettings(Spec):
    """When a source that fails is left alone. Counted over all processes; only failures that mean `down` count."""

    failures: int = Field(default=5, ge=1, description="So many failures within the window open the circuit,")
    share: Share = Field(default=0.5, description="if they are at least this share of its requests.")
    window: Duration = Field(default=parse_duration("1m"), description="How far back requests count.")
    open_for: Duration = Field(
        default=parse_duration("30s"), description="Then one request tries; each failure of it doubles the time."
    )
    longest_open: Duration = Field(default=parse_duration("10m"), description="No wait is longer.")


class DegradedSettings(Spec):
    """What a run does when neither the source nor a fallback answers, and older records are published."""

    serve_stale: bool = Field(
        default=False,
        description="End the source's part as skipped, with the published records marked as stale; otherwise it fails.",
    )
    longest: Duration = Field(default=parse_duration("3d"), description="Older records are not served: the run fails.")


def _a_minute(value: timedelta) -> timedelta:
    if value < _SHORTEST_CHECK:
        raise ValueError("must be at least 1m")
    return value


class HealthSettings(Spec):
    """How the DAG `finport_health` asks sources whether they answer."""

    interval: Annotated[Duration, AfterValidator(_a_minute)] = Field(
        default=parse_duration("15m"),
        description="Time between two checks, 1m or more. Checks take no more than a twentieth of a day's quota: a"
        " source with a small one is asked less often.",
    )


class DownloadSettings(Spec):
    """How large files come: in ranges side by side where the source allows it, and on from where a transfer broke."""

    range_bytes: int = Field(default=10 * 1024**2, ge=64 * 1024, description="Size of a range.")
    ranges: int = Field(default=10, ge=1, le=100, description="Ranges at a time.")


class SecuritySettings(Spec):
    """How connections are protected. Each weakening needs its reason and is told as an event."""

    min_tls: Literal["1.2", "1.3"] = Field(default="1.3", description="Oldest TLS version accepted.")
    min_tls_reason: str | None = Field(default=None, description="Why 1.2 is needed; required beside it.")
    allow_plaintext: bool = Field(default=False, description="Whether a protocol without TLS may be used.")
    allow_plaintext_reason: str | None = Field(default=None, description="Why; required beside it.")
    allow_private_network: bool = Field(
        default=False, description="Whether loopback, link-local and private addresses may be reached."
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities to trust instead of the machine's. The connection's extra `ca_file`"
        " comes first.",
    )
    proxy: str | None = Field(
        default=None,
        description="HTTP proxy, without credentials. The connection's extra `proxy` comes first, and may hold some.",
        pattern=r"^http://[^@/]+/?$",
    )

    @model_validator(mode="after")
    def _with_a_reason(self) -> Self:
        if self.min_tls == "1.2" and not self.min_tls_reason:
            raise ValueError("minTls 1.2 needs a minTlsReason beside it")
        if self.allow_plaintext and not self.allow_plaintext_reason:
            raise ValueError("allowPlaintext needs an allowPlaintextReason beside it")
        return self


class EventSettings(Spec):
    """Where facts about runs are sent."""

    relays: tuple[str, ...] = Field(default=("log",), description="Names of events/registry.py.")


class Settings(Spec):
    """Everything that a policy decides."""

    changes: ChangeSettings = Field(default_factory=ChangeSettings, description="Change detection.")
    reading: ReadLimits = Field(default_factory=ReadLimits, description="What reading a file may cost.")
    quality: QualitySettings = Field(default_factory=QualitySettings, description="The quality gate.")
    store: AnyStorage = Field(
        default_factory=lambda: STORAGES.get("parquet").Options(storage="parquet"),
        description="Where checked records go.",
    )
    retention: RetentionSettings = Field(default_factory=RetentionSettings, description="How long things are kept.")
    retry: RetrySettings = Field(default_factory=RetrySettings, description="Waits between tries.")
    downloads: DownloadSettings = Field(default_factory=DownloadSettings, description="Ranges and resumption.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="Rates, sizes, timeouts.")
    circuit: CircuitSettings = Field(default_factory=CircuitSettings, description="The circuit breaker.")
    degraded: DegradedSettings = Field(default_factory=DegradedSettings, description="When nothing answers.")
    health: HealthSettings = Field(default_factory=HealthSettings, description="Checks on a schedule.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Protection in transit.")
    events: EventSettings = Field(default_factory=EventSettings, description="Event relays.")
