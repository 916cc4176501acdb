"""Great Expectations as the judge: its own classes say what follows from metrics, whoever computed them.

No data context is made, so nothing is read from or written to a home folder, and nothing is sent.
Importing this module costs seconds of CPU; `report.preload` does it once for a process that forks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.validator.metrics_calculator import MetricsCalculator

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.validate.rules import Rule, Severity

if TYPE_CHECKING:
    import pandas as pd

_SEVERITIES = {
    Severity.REJECT: FailureSeverity.CRITICAL,
    Severity.GATE: FailureSeverity.CRITICAL,
    Severity.DISCARD: FailureSeverity.WARNING,
    Severity.WARN: FailureSeverity.WARNING,
}


def expectation_of(rule: Rule) -> Expectation:
    """The rule as Great Expectations' own object.

    Raises:
        ConfigError: Great Expectations knows no such type, or not with these arguments.
    """
    try:
        return configuration_of(rule).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError, AssertionError) as error:
        raise ConfigError(
            f"contract.expectations: '{rule.type}' cannot be made: {error}",
            hint="see the expectation's page in the documentation of Great Expectations",
        ) from error


def configuration_of(rule: Rule) -> ExpectationConfiguration:
    arguments = {name: _plain(value) for name, value in rule.arguments.items()}
    return ExpectationConfiguration(type=rule.type, kwargs=arguments, severity=_SEVERITIES[rule.severity])


def judge(rule: Rule, metric: Callable[[str], Any], *, sample_count: int) -> ExpectationValidationResult:
    """What Great Expectations concludes from the metrics that it asks for by name."""
    expectation = expectation_of(rule)
    engine = PandasExecutionEngine()
    summary = {"result_format": {"result_format": "SUMMARY", "partial_unexpected_count": sample_count}}
    wanted = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=dict(summary))
    provided = {asked.id: metric(name) for name, asked in wanted.metric_configurations.items()}
    return expectation.metrics_validate(provided, runtime_configuration=summary, execution_engine=engine)


def compute(rule: Rule, frame: pd.DataFrame) -> ExpectationValidationResult:
    """The rule computed and judged by Great Expectations on `frame`; rows are named by the frame's index.

    What fails is told in `exception_info`, by the kind of the exception alone.
    """
    expectation = expectation_of(rule)
    engine = PandasExecutionEngine(batch_data_dict={"staged": frame})
    complete = {"result_format": {"result_format": "COMPLETE", "partial_unexpected_count": 0}}
    try:
        wanted = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=dict(complete))
        calculator = MetricsCalculator(execution_engine=engine, show_progress_bars=False)
        # Not compute_metrics(): it logs whole exceptions, and those quote values.
        graph = calculator.build_metric_dependency_graph(wanted.get_metric_configurations(), complete)
        metrics, _ = calculator.resolve_validation_graph(graph, complete)
        return expectation.metrics_validate(metrics, runtime_configuration=complete, execution_engine=engine)
    except Exception as error:
        info = {"raised_exception": True, "exception_traceback": None, "exception_message": type(error).__name__}
        return ExpectationValidationResult(
            success=False, expectation_config=expectation.configuration, result={}, exception_info=info
        )


def _plain(value: Any) -> Any:
    """Arguments as Great Expectations takes them: it knows floats and texts, no decimals and dates."""
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    return value
