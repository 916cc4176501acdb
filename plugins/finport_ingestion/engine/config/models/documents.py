"""The five kinds of documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.documentation import Documentation, Rights
from finport_ingestion.engine.config.models.envelope import Described, DnsName, Envelope
from finport_ingestion.engine.config.models.plugged import one_of
from finport_ingestion.engine.config.models.settings import Settings, TimeZone
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.lookback import Lookback
from finport_ingestion.engine.model import Duration, Spec, parse_duration
from finport_ingestion.engine.options import AuthOptions, FormatOptions, SourceOptions
from finport_ingestion.engine.sources.registry import PROTOCOLS

if TYPE_CHECKING:
    AnySource: TypeAlias = SourceOptions
    AnyFormat: TypeAlias = FormatOptions
    AnyAuth: TypeAlias = AuthOptions
else:
    AnySource = one_of(PROTOCOLS, "protocol")
    AnyFormat = one_of(FORMATS, "format")
    AnyAuth = one_of(METHODS, "method")


def _with_groups(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    if not groups:
        raise ValueError("name a group for each column, as in (?P<index>\\w+)\\.csv")
    return pattern


ItemColumns = Annotated[str, AfterValidator(_with_groups), Field(examples=[r"^(?P<index>\w+)\.csv$"])]


class Incremental(Spec):
    """Take only what is new since the last published run."""

    field: str = Field(description="The column whose value grows: a date, a time or a number.", min_length=1)
    start: str | None = Field(default=None, description="Where the first run begins; without it, it takes all.")
    lookback: Lookback | None = Field(
        default=None,
        description="How far behind the last value the source is asked again, for records that come late: a duration,"
        " or a whole number where the column holds numbers.",
    )


class SourceSpec(Described):
    """Where data comes from and what is agreed of it."""

    source: AnySource = Field(description="Protocol and what it needs.")
    enabled: bool = Field(default=True, description="A source that is off is in no DAG.")
    authentication: str | None = Field(default=None, description="Name of an Authentication document.")
    format: str | None = Field(default=None, description="Name of a Format document.")
    convert: AnyFormat | None = Field(default=None, description="The format in place, instead of `format`.")
    dataset: DnsName | None = Field(default=None, description="What is published; the source's name by default.")
    contract: Contract = Field(default_factory=Contract, description="The agreed columns.")
    item_columns: ItemColumns | None = Field(
        default=None,
        description="A regular expression over the item's id (a file's name); its named groups become columns.",
    )
    incremental: Incremental | None = Field(default=None, description="Take only what is new.")
    policy: str | None = Field(default=None, description="Name of a Policy document, above the default one.")
    overrides: Settings = Field(default_factory=Settings, description="Settings for this source alone.")
    frequency: Literal["hourly", "daily", "weekly", "monthly"] | None = Field(
        default=None, description="At most one published run per period, counted in the source's time zone."
    )
    depends_on: tuple[str, ...] = Field(default=(), description="Datasets that must have changed since the last run.")
    provides: tuple[DnsName, ...] = Field(
        default=(), description="Assets updated by a publication; the dataset by default."
    )
    merge_keys: tuple[str, ...] = Field(default=(), description="Columns that name one record across sources.")
    fallbacks: tuple[str, ...] = Field(default=(), description="Sources to use, in order, when this one fails.")
    time_zone: TimeZone | None = Field(
        default=None,
        description="The zone of the source's naive times, which are moments then, and of its days. Without it days are"
        " those of UTC, and times stay naive unless the contract says timestamp(UTC).",
    )
    calendar: str | None = Field(default=None, description="Exchange calendar, e.g. XNYS.")
    documentation: Documentation | None = Field(
        default=None, description="What the provider's public pages say, and how it was tried."
    )
    rights: Rights | None = Field(default=None, description="What may be done with the data.")

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if self.format and self.convert:
            raise ValueError("'format' names a document and 'convert' says it in place; state one of them")
        return self


class AuthenticationSpec(Described):
    """How requests prove who asks. Secrets come from connections or `${ENVIRONMENT}`, never from the document."""

    auth: AnyAuth = Field(description="Method and what it needs.")


class FormatSpec(Described):
    """How bytes are read."""

    convert: AnyFormat = Field(description="Format and its dialect.")
    contract: Contract | None = Field(default=None, description="Columns of every file of this format.")


class PolicySpec(Described):
    """Settings that many sources share. The one called `default` lies below all others."""

    settings: Settings = Field(default_factory=Settings, description="Any part of the settings.")


class Schedule(Spec):
    """When a workflow runs; exactly one of the ways. Without any it is started by hand."""

    cron: str | None = Field(default=None, description="Five fields, e.g. `0 */6 * * *`.")
    interval: Duration | None = Field(default=None, description="Time between runs.")
    continuous: bool = Field(default=False, description="The next run begins when the last one ends.")
    all_assets: tuple[str, ...] = Field(default=(), description="Run once all of these were updated.")
    any_assets: tuple[str, ...] = Field(
        default=(), description="Run when one of these was updated; with `cron`, also then."
    )
    time_zone: TimeZone = Field(default="UTC", description="The zone of `cron`.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        time_ways = [name for name in ("cron", "interval", "continuous") if getattr(self, name)]
        asset_ways = [name for name in ("all_assets", "any_assets") if getattr(self, name)]
        if len(time_ways) > 1 or len(asset_ways) > 1 or (asset_ways and time_ways not in ([], ["cron"])):
            stated = ", ".join(time_ways + asset_ways)
            raise ValueError(f"one way to schedule, or cron beside assets; stated are {stated}")
        return self


class Selector(Spec):
    """Which sources a workflow works on."""

    match_labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that a source must carry, all of them."
    )
    names: tuple[str, ...] = Field(default=(), description="Sources by name.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.match_labels and not self.names:
            raise ValueError("select sources by matchLabels or by names")
        return self


class WorkflowStep(Spec):
    """One unit of work on each source."""

    name: DnsName = Field(description="Unique in the workflow.")
    agent: str = Field(description="Who does it.")
    action: str = Field(description="What it does.")
    timeout: Duration = Field(default=parse_duration("120m"), description="For one try.")
    retries: int = Field(default=2, ge=0, le=20, description="Tries after the first.")
    parallel: int | None = Field(default=None, ge=1, le=1024, description="Batches at a time, for actions that split.")
    depends_on: tuple[str, ...] | None = Field(
        default=None, description="Steps before it; the previous one by default."
    )
    pool: str | None = Field(default=None, description="Airflow pool; the default pool otherwise.")
    priority: int = Field(default=1, ge=1, description="Airflow priority weight.")
    overrides: Settings = Field(default_factory=Settings, description="Settings for this step alone.")


class WorkflowSpec(Described):
    """A schedule, a selection of sources and the steps that each of them goes through."""

    schedule: Schedule = Field(default_factory=Schedule, description="When it runs.")
    sources: Selector = Field(description="Which sources it works on.")
    steps: tuple[WorkflowStep, ...] = Field(description="In order.", min_length=1)
    timeout: Duration = Field(default=parse_duration("120m"), description="For a whole run.")
    layout: Literal["dag", "dag-per-source"] = Field(default="dag", description="One DAG for all sources, or one each.")
    max_active_runs: int = Field(default=1, ge=1, description="Runs at the same time.")
    tags: tuple[str, ...] = Field(default=(), description="Tags beside the ones given by the factory.")


class Source(Envelope):
    """A system to read from."""

    kind: Literal["Source"]
    spec: SourceSpec


class Authentication(Envelope):
    """A way to prove who asks."""

    kind: Literal["Authentication"]
    spec: AuthenticationSpec


class Format(Envelope):
    """A way to read bytes."""

    kind: Literal["Format"]
    spec: FormatSpec


class Policy(Envelope):
    """Settings that many sources share."""

    kind: Literal["Policy"]
    spec: PolicySpec


class Workflow(Envelope):
    """One DAG."""

    kind: Literal["Workflow"]
    spec: WorkflowSpec


KINDS: dict[str, type[Envelope]] = {
    "Source": Source,
    "Authentication": Authentication,
    "Format": Format,
    "Policy": Policy,
    "Workflow": Workflow,
}
"""By the word that stands after `kind:`."""
