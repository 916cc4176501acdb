"""Which element is the record of an XML document where nobody says, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.convert.xml_files import raw_of, read, warnings

_LEG = "<leg><ccy>EUR</ccy></leg>"
_RATE = '<Rate date="2026-01-02" value="1.1"/>'
_FEE = '<fee ccy="EUR" v="1"/>'
_ROW = "<row><id>7</id><px>1</px></row>"


def _trades(legs: int) -> str:
    return "".join(f"<trade><id>{number}</id><day>2026-01-02</day>{_LEG * legs}</trade>" for number in range(3))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(f"<b>{_trades(5)}</b>", "/b/trade", id="few-trades-with-more-legs"),
        pytest.param(f"<b><c>{_trades(1)}</c></b>", "/b/c/trade", id="trades-with-a-leg"),
        pytest.param(
            f'<r><Ccy code="USD">{_RATE * 9}</Ccy><Ccy code="GBP">{_RATE * 9}</Ccy></r>', "/r/Ccy/Rate", id="frames"
        ),
        pytest.param(f"<f><link a='1'/><link a='2'/><link a='3'/>{_ROW * 2}</f>", "/f/row", id="most-values"),
    ],
)
def test_the_record_is_the_whole_that_repeats_and_not_the_frame_around_it(
    tmp_path: Path, document: str, path: str
) -> None:
    assert f"records are the elements {path}" in read("xml", raw_of(tmp_path, document))[0].notes


@pytest.mark.parametrize(
    ("document", "left"),
    [
        pytest.param(
            f'<r><Ccy code="USD">{_RATE * 9}</Ccy><Ccy code="GBP">{_RATE * 9}</Ccy></r>', "/r/Ccy/@code", id="frames"
        ),
        pytest.param(f"<r><buy>{_ROW * 2}</buy><sell>{_ROW}</sell></r>", "/r/sell/row/id", id="other-parent"),
        pytest.param(f"<r><a>{_ROW * 5}</a>{_FEE * 2}</r>", "/r/fee/@ccy", id="other-records"),
        pytest.param(f"<r><t><a>1</a><b>2</b><c>3</c><d>4</d><e>5</e></t>{_FEE * 2}</r>", "/r/t/a", id="most-of-it"),
    ],
)
def test_data_beside_the_records_are_a_warning(tmp_path: Path, document: str, left: str) -> None:
    [said] = warnings(read("xml", raw_of(tmp_path, document)))
    assert left in said
    assert "state 'records'" in said


def test_a_few_values_of_the_envelope_are_a_note(tmp_path: Path) -> None:
    batches = read("xml", raw_of(tmp_path, f"<r><sent>2026-01-02</sent>{_ROW * 3}</r>"))
    assert not warnings(batches)
    assert "/r/sent" in batches[0].notes[1]


def test_nothing_is_said_where_the_path_is_stated(tmp_path: Path) -> None:
    batches = read("xml", raw_of(tmp_path, f"<r><buy>{_ROW * 2}</buy><sell>{_ROW}</sell></r>"), records="row")
    assert sum(batch.columns.num_rows for batch in batches) == 3
    assert not warnings(batches)


def test_of_many_different_names_one_is_the_record(tmp_path: Path) -> None:
    names = "".join(f"<a{number} k='1'/><a{number} k='2'/>" for number in range(8_000))
    assert sum(batch.columns.num_rows for batch in read("xml", raw_of(tmp_path, f"<r>{names}</r>"))) == 2
