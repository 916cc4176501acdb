"""Documents on a real Airflow: the right ones are DAGs, the wrong one is an import error and costs nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.project import BROKEN, DAG_IDS, HEALTH, SMALL, write_broken_document
from tests.e2e.system import AirflowSystem, wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def broken_document(airflow_system: AirflowSystem) -> Iterator[str]:
    """A wrong document that Airflow has noticed; the text of the import error."""
    file = write_broken_document(airflow_system.project)
    errors = wait_until(airflow_system.api.import_errors, what="the import error")
    assert len(errors) == 1
    assert errors[0]["filename"].endswith("finport_documents.py")
    yield errors[0]["stack_trace"]
    file.unlink()
    wait_until(lambda: not airflow_system.api.import_errors(), what="the end of the import error")


def test_right_documents_leave_no_import_error(airflow_system: AirflowSystem) -> None:
    assert airflow_system.api.import_errors() == []
    assert airflow_system.api.dag_ids() == DAG_IDS | {HEALTH}


def test_a_wrong_document_is_told_with_file_line_and_key_and_the_other_dags_still_run(
    broken_document: str, airflow_system: AirflowSystem
) -> None:
    lines = (airflow_system.project / BROKEN).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if "patern" in text)
    assert f"{BROKEN}:{line}:5: spec.source.patern:" in broken_document
    assert "did you mean 'pattern'?" in broken_document
    assert airflow_system.api.dag_ids() == DAG_IDS | {HEALTH}
    run_id = airflow_system.trigger(SMALL)
    assert airflow_system.wait_for_run(SMALL, run_id) == "success", airflow_system.describe(SMALL, run_id)
