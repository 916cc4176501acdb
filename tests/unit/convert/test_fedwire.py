from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.errors import FinportError, FormatError
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

ONE = (
    "{1500}30User ReqT \n{1510}1000\n{1520}20240102SOURCE01000001\n{2000}000001234567\n{3100}121042882SENDER BANK*\n"
    "{3400}231380104RECEIVER*\n{3600}CTP*\n{3710}USD99,5*\n{4200}D0012345*NAME*STREET*TOWN*\n{4320}REF*\n"
    "{6000}LINE ONE*LINE TWO*\n"
)
TWO = ONE.replace("000001234567", "000000000001").replace("SOURCE01000001", "SOURCE01000002")


def fedwire(folder: Path, text: str, **options: Any) -> Found:
    return read_bytes(folder, text.encode(), format="fedwire", **options)


def test_a_message_is_one_row_with_an_exact_amount(tmp_path: Path) -> None:
    [row] = fedwire(tmp_path, ONE).rows("messages")
    assert row["amount"] == "12345.67"
    assert (row["imad"], row["imad_date"], row["imad_sequence"]) == ("20240102SOURCE01000001", "2024-01-02", "000001")
    assert (row["sender_routing_number"], row["sender_name"]) == ("121042882", "SENDER BANK")
    assert (row["receiver_routing_number"], row["business_function_code"]) == ("231380104", "CTP")
    assert (row["instructed_currency"], row["instructed_amount"]) == ("USD", "99.5")
    assert (row["beneficiary_identifier"], row["beneficiary_name"]) == ("0012345", "NAME")
    assert (row["beneficiary_address"], row["beneficiary_reference"]) == ("STREET\nTOWN", "REF")
    assert row["originator_to_beneficiary"] == "LINE ONE\nLINE TWO"
    assert row["test_production_code"] == "T"


def test_every_tag_is_kept_with_its_text_as_delivered(tmp_path: Path) -> None:
    rows = fedwire(tmp_path, ONE).rows("tags")
    assert "".join(f"{{{row['tag']}}}{row['as_delivered']}" for row in rows) == ONE
    assert rows[4]["value"] == "121042882SENDER BANK*"
    assert [row["position"] for row in rows] == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize("between", ["", "\n\n", "{1100}02P N\n{1120}20240102OMAD0000000001\n"])
def test_several_messages_are_told_apart(tmp_path: Path, between: str) -> None:
    found = fedwire(tmp_path, ONE + between + TWO)
    assert found.column("amount", "messages") == ["12345.67", "0.01"]
    assert {row["message"] for row in found.rows("tags")} == {"1", "2"}
    assert found.column("omad", "messages")[1] == ("20240102OMAD0000000001" if "{1120}" in between else None)


def test_what_the_service_adds_may_stand_behind_each_message(tmp_path: Path) -> None:
    added = [f"{{1100}}02P N\n{{1120}}20240102OMAD000000000{number}\n" for number in (1, 2)]
    found = fedwire(tmp_path, ONE + added[0] + TWO + added[1])
    assert not found.bad
    assert found.column("amount", "messages") == ["12345.67", "0.01"]
    assert found.column("omad", "messages") == ["20240102OMAD0000000001", "20240102OMAD0000000002"]


def test_what_the_service_adds_in_front_of_a_message_that_is_cut_stays_with_it(tmp_path: Path) -> None:
    added = "{1100}02P N\n{1120}20240102OMAD0000000001\n"
    found = fedwire(tmp_path, added + ONE + added.replace("0001", "0002"))
    assert found.column("omad", "messages") == ["20240102OMAD0000000001"]
    assert ["{1520}" in record.reason for record in found.bad] == [True]


def test_messages_without_line_ends_are_read(tmp_path: Path) -> None:
    found = fedwire(tmp_path, (ONE + TWO).replace("\n", ""))
    assert found.column("amount", "messages") == ["12345.67", "0.01"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("{2000}000001234567", "{2000}0000012345.7", "tag {2000} is not 12 digits"),
        ("{2000}000001234567\n", "", "tag {2000} is missing"),
        ("{2000}000001234567\n", "{2000}000001234567\n{2000}000001234567\n", "tag {2000} stands twice"),
        ("20240102", "20240230", "tag {1520} does not begin with a date"),
        ("USD99,5", "USD99.5", "tag {3710} is not a currency"),
    ],
)
def test_a_tag_that_cannot_be_read_sets_its_message_aside(tmp_path: Path, before: str, after: str, said: str) -> None:
    found = fedwire(tmp_path, ONE.replace(before, after) + TWO)
    assert found.column("amount", "messages") == ["0.01"]
    assert {row["message"] for row in found.rows("tags")} == {"2"}
    [bad] = found.bad
    assert said in bad.reason
    assert bad.text == ONE.replace(before, after)


@pytest.mark.parametrize("tag", ["{3100}", "{3400}", "{3600}"])
def test_a_message_without_a_mandatory_tag_is_set_aside(tmp_path: Path, tag: str) -> None:
    lines = [line for line in ONE.splitlines(keepends=True) if not line.startswith(tag)]
    found = fedwire(tmp_path, "".join(lines) + TWO)
    assert found.column("amount", "messages") == ["0.01"]
    assert f"tag {tag} is missing" in found.bad[0].reason


def test_a_file_that_ends_inside_of_a_tag_is_told(tmp_path: Path) -> None:
    assert "in the middle of a tag" in fedwire(tmp_path, ONE[: ONE.index("LINE TWO")] + "LINE").warnings
    assert not fedwire(tmp_path, ONE.rstrip("\n")).warnings


@pytest.mark.parametrize("text", ["", " \n", "no tags at all\n", "x{1500}30\n"])
def test_what_is_no_message_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        fedwire(tmp_path, text)
    assert caught.value.hint


def test_it_is_recognised_by_its_tags() -> None:
    likeness = recognised("fedwire", ONE)
    assert likeness is not None
    assert likeness.confidence > 0.9
    assert recognised("fedwire", "{1:F01BANKBEBB}{2:I103}{4:\n:20:X\n-}") is None
    assert recognised("fedwire", '{"1500": 1}') is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(ONE) - 1), junk=st.binary(max_size=6))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, at: int, junk: bytes) -> None:
    content = (ONE + TWO).encode()
    try:
        found = read_bytes(tmp_path, content[:at] + junk + content[at + len(junk) :], format="fedwire")
    except FinportError:
        return
    assert found.rows("messages") or found.bad


def test_an_unknown_first_tag_does_not_hide_a_message(tmp_path: Path) -> None:
    text = "{1599}\n" + ONE
    likeness = recognised("fedwire", text)
    assert likeness is not None
    assert likeness.confidence == 0.9
    assert fedwire(tmp_path, text).column("amount", "messages") == ["12345.67"]
