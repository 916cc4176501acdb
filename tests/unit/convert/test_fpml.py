"""FpML: a row a trade, its leaves as columns, its parties beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.xml_files import likeness, raw_of, read, rows

_TRADE = (
    "<trade><tradeHeader><partyTradeIdentifier><partyReference href='p1'/><tradeId>007</tradeId></partyTradeIdentifier>"
    "<partyTradeIdentifier><partyReference href='p2'/></partyTradeIdentifier><tradeDate>2026-01-02</tradeDate>"
    "</tradeHeader><swap><notional>1000000.00</notional></swap></trade>"
)


def document(*parts: str, namespace: str = "http://www.fpml.org/FpML-5/confirmation") -> str:
    return f'<dataDocument xmlns="{namespace}" fpmlVersion="5-10">{"".join(parts)}</dataDocument>'


@pytest.mark.parametrize("namespace", ["http://www.fpml.org/FpML-5/reporting", "http://www.fpml.org/2009/FpML-4-7"])
def test_a_trade_is_a_row_of_its_leaves(tmp_path: Path, namespace: str) -> None:
    batches = read(
        "fpml", raw_of(tmp_path, document(_TRADE, '<party id="p1"><partyId>L</partyId></party>', namespace=namespace))
    )
    [trade] = rows(batches, "trades")
    assert trade == {
        "tradeHeader.partyTradeIdentifier.partyReference.@href": '["p1","p2"]',
        "tradeHeader.partyTradeIdentifier.partyReference": "[null,null]",
        "tradeHeader.partyTradeIdentifier.tradeId": "007",
        "tradeHeader.partyTradeIdentifier[]": (
            '[{"partyReference":{"@href":"p1"},"tradeId":"007"},{"partyReference":{"@href":"p2"}}]'
        ),
        "tradeHeader.tradeDate": "2026-01-02",
        "swap.notional": "1000000.00",
    }
    assert rows(batches, "parties") == [{"@id": "p1", "partyId": "L"}]
    assert batches[0].table == "trades"
    assert batches[0].facts == {"fpml": "5-10"}


def test_other_records_are_read_by_their_path(tmp_path: Path) -> None:
    content = document("<quote><value>1</value></quote><quote><value>2</value></quote>")
    with pytest.raises(FormatError, match="without any 'trade'") as caught:
        read("fpml", raw_of(tmp_path, content))
    assert "records" in str(caught.value.hint)
    assert rows(read("fpml", raw_of(tmp_path, content), records="quote"), "records") == [{"value": "1"}, {"value": "2"}]


def test_what_is_no_fpml_is_refused_and_not_recognised(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no FpML"):
        read("fpml", raw_of(tmp_path, "<trade/>"))
    assert likeness("fpml", tmp_path, b"<trade/>") is None
    found = likeness("fpml", tmp_path, document(_TRADE).encode("utf-16"))
    assert found is not None
    assert found.confidence == 1
