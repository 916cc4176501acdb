"""What a person reads: every figure, no secret value, no network, the same bytes for the same delivery."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import ConfigError, QualityGateFailed
from tests.unit.validate.deliveries import Delivery, quotes

D = Decimal
DAY = dt.date(2024, 1, 31)
SECRET = "DE89370400440532013000"
OPEN_GATE = {"minCompleteness": 0, "maxNullShare": 1, "maxDuplicateShare": 1, "maxErrorShare": 1, "minScore": 0}
MAXIMUM = "expect_column_max_to_be_between"
MANIFEST = "staging/prices-daily/prices/run-1/validate/manifest.json"
CONTRACT = {
    "key": ["symbol", "day"],
    "columns": [
        {"name": "symbol", "type": "text", "pattern": "[A-Z]{1,5}"},
        {"name": "day", "type": "date"},
        {"name": "close", "type": "decimal(18,4)", "minimum": 0, "maximum": "9007199254740993.5"},
        {"name": "volume", "type": "integer", "nullable": True},
    ],
    "expectations": [
        {"type": MAXIMUM, "arguments": {"column": "close", "max_value": 5}, "severity": "warn"},
        {
            "type": "expect_column_pair_values_a_to_be_greater_than_b",
            "arguments": {"column_A": "close", "column_B": "volume"},
            "severity": "warn",
        },
        {
            "type": "expect_column_values_to_not_match_regex",
            "arguments": {"column": "symbol", "regex": "^(?=DE)"},
            "severity": "warn",
        },
        {
            "type": "expect_column_most_common_value_to_be_in_set",
            "arguments": {"column": "symbol", "value_set": ["A"]},
            "severity": "warn",
        },
        {"type": "expect_column_median_to_be_between", "arguments": {"column": "volume", "min_value": 1}},
        {"type": "expect_table_columns_to_match_set", "arguments": {"column_set": ["symbol"]}, "severity": "warn"},
    ],
}  # fmt: skip


class Links(HTMLParser):
    """Everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


@pytest.fixture
def shown(delivery: Delivery) -> Delivery:
    """A delivery with a finding of each kind, and the whole report."""
    delivery.contract = CONTRACT
    delivery.quality = {**OPEN_GATE, "mask": "partial"}
    delivery.add(
        quotes(
            [
                ("A", DAY, D(1), 1),
                (SECRET, DAY, D(1), 2),
                (SECRET, DAY, D(1), 2),
                ("B", DAY, D("-31415926.5359"), None),
                ("A", DAY, D(7), 3),
                ("C", None, D(7), 3),
            ]
        )
    )
    return delivery


@pytest.mark.parametrize("mask", ["partial", "full"])
def test_no_value_is_shown_that_the_policy_masks(shown: Delivery, mask: str) -> None:
    shown.quality = {**OPEN_GATE, "mask": mask}

    shown.check()

    texts = [
        shown.page,
        str(shown.report),
        (shown.root / MANIFEST).read_text(),
    ]
    texts += [str({**reject, "record": None}) for reject in shown.rejects()]
    for text in texts:
        assert SECRET not in text
        assert SECRET[1:8] not in text
        assert "31415926" not in text
    [*_, reject] = [reject for reject in shown.rejects() if reject["row"] == 4]
    assert reject["value"] == ("-************9" if mask == "partial" else "***")
    assert '"-31415926.5359"' in reject["record"]


def test_the_page_shows_the_gate_every_expectation_and_masked_samples(shown: Delivery) -> None:
    checked = shown.check()

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.page))
    assert checked.result.place == "reports/prices-daily/prices/run-1/index.html"
    assert f"score {checked.result.score:.2f}" in text
    assert "maxErrorShare: 83.33 % (5 of 6 records), at most 100 % allowed" in text
    assert "values must match this regular expression: ^(?:[A-Z]{1,5})$ . 2 unexpected values found." in text
    assert "D" + "*" * 20 + "0 (row 2 of landing/prices-daily/prices/run-1/item-0.csv)" in text
    assert "less than or equal to 9007199254740993.5 ." in text
    assert "Values for given compound columns must be unique together: symbol , day" in text
    assert f"Evaluated Expectations {len(shown.report['rules'])}" in text


def test_the_page_needs_no_network_and_no_other_file(shown: Delivery) -> None:
    shown.check()

    links = Links()
    links.feed(shown.page)
    assert [link for link in links.fetched if not link.startswith("#")] == []
    assert "url(" not in shown.page
    assert "@import" not in shown.page
    assert sorted(path.name for path in (shown.root / "reports").rglob("*.*")) == ["index.html", "quality.json"]


def test_the_same_delivery_gives_the_same_page(shown: Delivery) -> None:
    shown.check()
    first = shown.files()

    shown.check()

    assert shown.files() == first


def test_what_the_data_says_is_no_markup(delivery: Delivery) -> None:
    attack = "<script>alert('x')</script>"
    pattern = {
        "type": "expect_column_values_to_match_regex",
        "arguments": {"column": attack, "regex": "^(?:[a-z])<b>$"},
    }
    delivery.contract = {"expectations": [pattern]}
    delivery.quality = {**OPEN_GATE, "mask": "none", "minRows": 0}
    delivery.add(pa.table({attack: [attack, "a"]}))

    delivery.check()

    assert "alert(" in delivery.page
    assert "default-src 'none'" in delivery.page
    assert "<script>alert(" not in delivery.page
    assert "<b>" not in delivery.page


def test_a_failed_gate_leaves_a_report_that_says_so(shown: Delivery) -> None:
    shown.quality = {"mask": "full"}

    with pytest.raises(QualityGateFailed, match=r"Report: reports/prices-daily/prices/run-1/index\.html"):
        shown.check()

    assert "Failed the gate; nothing is published" in shown.page
    assert shown.report["passed"] is False


def test_the_json_has_every_rule_with_its_figures(shown: Delivery) -> None:
    shown.check()

    rules = {rule["id"]: rule for rule in shown.report["rules"]}
    key = rules["expect_compound_columns_to_be_unique(symbol, day)"]
    assert (key["considered"], key["unexpected"], key["rejected"], key["passed"]) == (5, 4, 1, False)
    regex = rules["expect_column_values_to_match_regex(symbol)"]
    assert [sample["row"] for sample in regex["samples"]] == [2, 3]
    assert rules["expect_column_values_to_be_between(close)"]["arguments"]["max_value"] == "9007199254740993.5"
    assert rules["expect_column_values_to_not_match_regex(symbol)"]["judgedBy"] == "great_expectations"
    assert rules["expect_column_max_to_be_between(close)"]["observed"] == "7****0"
    assert rules["expect_column_median_to_be_between(volume)"]["observed"] == 2.0


def test_an_expectation_that_does_not_exist_is_the_documents_fault(delivery: Delivery) -> None:
    delivery.contract = {"expectations": [{"type": "expect_the_best", "arguments": {}}]}
    delivery.add(pa.table({"x": [1]}))

    with pytest.raises(ConfigError, match="expectations: 'expect_the_best' cannot be made"):
        delivery.check()


def test_wrong_arguments_are_the_documents_fault(delivery: Delivery) -> None:
    wrong = {"type": "expect_column_values_to_be_between", "arguments": {"column": "x", "minimum": 1}}
    delivery.contract = {"expectations": [wrong]}
    delivery.add(pa.table({"x": [1]}))

    with pytest.raises(ConfigError, match="minimum"):
        delivery.check()


def test_checking_imports_no_great_expectations_and_reporting_writes_nothing_elsewhere(tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    program = """
import sys, pathlib, pyarrow as pa
from tests.unit.validate.deliveries import Delivery
delivery = Delivery(pathlib.Path(sys.argv[1]), quality={"report": False})
delivery.add(pa.table({"x": [1, 2]}))
delivery.check()
assert "great_expectations" not in sys.modules
from finport_ingestion.engine.validate.report import preload
preload()
assert "great_expectations" in sys.modules
delivery.quality = {}
delivery.check()
"""
    root = Path(__file__).parents[2]
    environment: dict[str, Any] = {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "PYTHONPATH": f"{root / 'plugins'}:{root}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "places")], cwd=work, env=environment, check=True)

    assert list(home.rglob("*")) == []
    assert list(work.rglob("*")) == []
    assert (tmp_path / "places/reports/prices-daily/prices/run-1/index.html").exists()
