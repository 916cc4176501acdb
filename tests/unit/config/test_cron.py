"""Five fields, and nothing that croniter would understand is refused."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.config.cron import cron_problem


@pytest.mark.parametrize(
    "expression",
    ["0 */6 * * *", "*/5 9-17 * * mon-fri", "0,30 8 1,15 * *", "0 0 L * *", "0 0 * * 5#3", "0 0 * * L5", "0 0 * * 7",
     "0 0 1 JAN,jul ?", "@daily", "5-55/10 * * * *", "0 0 15W * *", "R * * * *", "0 22-2 * * *"],
)  # fmt: skip
def test_what_cron_understands_is_no_problem(expression: str) -> None:
    assert cron_problem(expression) is None


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *",
     "*/0 * * * *", "1--2 * * * *", "@never", "0 0 * * 5L", "0 0 * * mon-"],
)  # fmt: skip
def test_what_cron_does_not_understand_is_told(expression: str) -> None:
    assert cron_problem(expression)
