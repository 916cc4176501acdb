"""FIX logs: every message and field comes back, whatever stands around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.fix import FixFormat, FixOptions
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, RawFile
from finport_ingestion.engine.convert.reading import fix_log
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits

SOH = "\x01"


def message(*fields: tuple[int, str], version: str = "FIX.4.4", encoding: str = "utf-8") -> bytes:
    """A message with the right BodyLength and CheckSum."""
    body = "".join(f"{tag}={value}{SOH}" for tag, value in fields).encode(encoding)
    whole = f"8={version}{SOH}9={len(body)}{SOH}".encode() + body
    return whole + f"10={sum(whole) % 256:03d}{SOH}".encode()


ORDER = ((35, "D"), (34, "7"), (49, "BUYER"), (56, "SELLER"), (52, "20240229-12:30:45.123"), (11, "0001"), (44, "1.50"))
GOOD = message(*ORDER)


def raw(folder: Path, content: bytes, **more: Any) -> RawFile:
    path = folder / "log"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/log", size_bytes=len(content), **more)


def batches(folder: Path, content: bytes, **options: Any) -> list[Batch]:
    reader = FixFormat(FixOptions.model_validate({"format": "fix", **options}))
    return list(reader.read(raw(folder, content)))


def rows(found: list[Batch], table: str = "messages") -> list[dict[str, Any]]:
    return [row for batch in found if batch.table == table for row in batch.columns.to_pylist()]


def bad(found: list[Batch]) -> list[BadRecord]:
    return [record for batch in found for record in batch.bad]


def warnings(found: list[Batch]) -> str:
    return "\n".join(text for batch in found for text in batch.warnings)


def test_a_message_is_a_row_with_the_names_of_the_dictionary(tmp_path: Path) -> None:
    [row] = rows(batches(tmp_path, GOOD))
    assert row["MsgType"] == "D"
    assert row["ClOrdID"] == "0001"
    assert row["Price"] == "1.50"
    assert row["SendingTime"] == "2024-02-29T12:30:45.123Z"
    assert row["field_count"] == "10"
    assert (row["body_length_ok"], row["checksum_ok"]) == ("true", "true")


def test_every_field_is_a_row_as_delivered_with_repeated_ones(tmp_path: Path) -> None:
    group = ((35, "8"), (453, "2"), (448, "A"), (452, "1"), (448, "B"), (452, "3"), (9731, "x=y"))
    found = rows(batches(tmp_path, message(*group)), "fields")
    assert [(row["tag"], row["value"]) for row in found[2:-1]] == [(str(tag), value) for tag, value in group]
    assert [row["position"] for row in found] == [str(place) for place in range(1, 11)]
    assert [row["name"] for row in found][2:5] == ["MsgType", "NoPartyIDs", "PartyID"]
    assert found[8]["name"] is None


@pytest.mark.parametrize("separator", ["|", "^A", "<SOH>", "\\x01", ";", " | ", "␁", "\t", "^", "#", ","])
def test_a_log_that_shows_soh_as_text_gives_the_same_messages(tmp_path: Path, separator: str) -> None:
    shown = GOOD.replace(b"\x01", separator.encode())
    content = b"12:00:01 in: " + shown + b"\n12:00:02 out: " + shown + b"\n"
    first, second = rows(batches(tmp_path, content))
    assert first | {"message": "2", "line": "2", "log_prefix": "12:00:02 out: "} == second
    assert (first["ClOrdID"], first["body_length_ok"], first["checksum_ok"]) == ("0001", "true", "true")


def test_a_bar_within_a_value_stays_where_bars_separate(tmp_path: Path) -> None:
    found = rows(batches(tmp_path, b"8=FIX.4.2|9=0|35=D|58=bid|ask|11=1|10=000|\n"))
    assert [(row["Text"], row["ClOrdID"]) for row in found] == [("bid|ask", "1")]


def test_a_message_that_another_one_quotes_is_its_text(tmp_path: Path) -> None:
    shown = GOOD.replace(b"\x01", b"|").decode()
    found = batches(tmp_path, GOOD + message((35, "3"), (58, f"rejected {shown}")) + b"\n" + shown.encode())
    assert [(row["MsgType"], row["checksum_ok"]) for row in rows(found)] == [
        ("D", "true"),
        ("3", "true"),
        ("D", "true"),
    ]
    assert rows(found)[1]["Text"] == f"rejected {shown}"


def test_what_stands_before_a_message_in_its_line_is_kept(tmp_path: Path) -> None:
    content = b"start\n\n2024-02-29 incoming: " + GOOD + b"\nnothing here\n" + GOOD + GOOD + b"\n"
    found = rows(batches(tmp_path, content))
    assert [(row["line"], row["log_prefix"]) for row in found] == [
        ("3", "2024-02-29 incoming: "),
        ("5", None),
        ("5", None),
    ]


def test_the_last_message_may_end_with_its_line(tmp_path: Path) -> None:
    found = batches(tmp_path, GOOD + b"\n" + GOOD.removesuffix(b"\x01") + b"\nend of log")
    assert [row["CheckSum"] for row in rows(found)] == [GOOD[-4:-1].decode()] * 2
    assert bad(found) == []


@pytest.mark.parametrize("stub", [b"8", b"8=", b"8=FIX.4.4", b"8=FIX.4.4\x019", b"12:00:01 in: 8=FIX"])
def test_a_message_that_is_cut_in_its_first_field_is_told(tmp_path: Path, stub: bytes) -> None:
    found = batches(tmp_path, GOOD + b"\n" + stub)
    assert len(rows(found)) == 1
    assert "the file ends in the beginning of a message" in warnings(found)
    assert warnings(batches(tmp_path, GOOD + b"\nrounds: 8\n")) == ""


def test_a_log_without_messages_may_hold_any_bytes(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no FIX message"):
        batches(tmp_path, b"caf\xe9 started\n", encoding="utf-8")


def test_a_cut_message_is_set_aside_with_its_place_and_text(tmp_path: Path) -> None:
    cut = GOOD[:60]
    found = batches(tmp_path, GOOD + b"\n" + cut + b"\nprefix " + GOOD + b"\n" + cut)
    first, last = bad(found)
    assert first.row == 2
    assert first.reason.startswith(f"line 2, byte {len(GOOD) + 1}: ")
    assert first.text == cut.decode()
    assert last.text == cut.decode()
    assert [row["message"] for row in rows(found)] == ["1", "3"]
    assert [number for batch in found if batch.table == "messages" for number in batch.rows.to_pylist()] == [1, 3]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"8=FIX.4.2\x019=5\x0135=D\x01rubbish\x0110=000\x01", "tag"),
        (b"8=FIX.4.2\x019=5\x0149=A\x0110=000\x01", "msg_type"),
        (b"8=FIX.4.2\x019=5\x0135=D\x0144=1E2\x0110=000\x01", "number"),
        (b"8=FIX.4.2\x019=5\x0135=D\x0134=seven\x0110=000\x01", "number"),
    ],
)
def test_a_message_that_cannot_be_trusted_is_set_aside_alone(tmp_path: Path, content: bytes, rule: str) -> None:
    found = batches(tmp_path, GOOD + content + GOOD)
    assert [record.rule for record in bad(found)] == [rule]
    assert len(rows(found)) == 2
    assert {row["message"] for row in rows(found, "fields")} == {"1", "3"}


def test_data_of_a_stated_length_may_hold_separators_and_whole_messages(tmp_path: Path) -> None:
    data = f"a{SOH}b{SOH}10=123{SOH}{GOOD.decode()}z"
    content = message((35, "B"), (95, str(len(data))), (96, data), (58, "after"))
    found = batches(tmp_path, content + GOOD)
    assert [row["MsgType"] for row in rows(found)] == ["B", "D"]
    assert rows(found)[0]["checksum_ok"] == "true"
    assert [row["value"] for row in rows(found, "fields") if row["tag"] == "96"] == [data]


def test_a_wrong_length_of_data_hides_no_message_and_is_told(tmp_path: Path) -> None:
    found = batches(tmp_path, message((35, "B"), (95, "99999"), (96, "abc")) + GOOD)
    assert [row["MsgType"] for row in rows(found)] == ["B", "D"]
    assert "1 data fields" in warnings(found)


def test_wrong_lengths_and_sums_are_counted_and_kept(tmp_path: Path) -> None:
    found = batches(tmp_path, GOOD + GOOD.replace(b"0001", b"0002") + GOOD.replace(b"\x019=", b"\x019=1"))
    assert [row["body_length_ok"] for row in rows(found)] == ["true", "true", "false"]
    assert [row["checksum_ok"] for row in rows(found)] == ["true", "false", "false"]
    assert "of 3 messages 1 have another length than their BodyLength (9) says, and 2 another sum" in warnings(found)


@pytest.mark.parametrize(
    ("delivered", "number"),
    [("00023.50", "23.50"), (".5", "0.5"), ("5.", "5"), ("-0.10", "-0.10"), ("0", "0"), ("-007", "-7"), ("", None)],
)
def test_numbers_are_plain_decimals_digit_for_digit(tmp_path: Path, delivered: str, number: str | None) -> None:
    found = batches(tmp_path, message((35, "8"), (31, delivered)) + GOOD)
    assert rows(found)[0]["LastPx"] == number
    assert [row["value"] for row in rows(found, "fields") if row["tag"] == "31"] == [delivered]


def test_a_decimal_column_has_the_digits_that_were_delivered(tmp_path: Path) -> None:
    found = batches(tmp_path, message((35, "8"), (31, "1.500000"), (32, "100")))
    assert found[-2].types["LastPx"] == "decimal(18,6)"
    assert found[-2].types["LastQty"] == "decimal(18,2)"


@pytest.mark.parametrize(
    ("delivered", "moment"),
    [
        ("20240229-23:59:59", "2024-02-29T23:59:59Z"),
        ("20240229-23:59:59.123456", "2024-02-29T23:59:59.123456Z"),
        ("20240229-23:59:59.123456000", "2024-02-29T23:59:59.123456Z"),
    ],
)
def test_moments_are_exact_to_the_microsecond(tmp_path: Path, delivered: str, moment: str) -> None:
    [row] = rows(batches(tmp_path, message((35, "0"), (52, delivered))))
    assert (row["SendingTime"], row["SendingTimeText"]) == (moment, None)


@pytest.mark.parametrize(
    "delivered", ["20240229-23:59:59.123456789", "20230229-10:00:00", "20240229-25:00:00", "20240229 10:00:00", "now"]
)
def test_a_moment_that_no_timestamp_holds_is_kept_as_its_text_and_told(tmp_path: Path, delivered: str) -> None:
    found = batches(tmp_path, GOOD + message((35, "0"), (52, delivered)) + GOOD)
    assert [row["SendingTimeText"] for row in rows(found)] == [None, delivered, None]
    assert rows(found)[1]["SendingTime"] is None
    assert rows(found)[2]["SendingTime"] == "2024-02-29T12:30:45.123Z"
    assert "1 values of SendingTime (52), the first in line 1" in warnings(found)


def test_sums_are_of_the_bytes_in_the_file_whatever_its_encoding(tmp_path: Path) -> None:
    content = message((35, "D"), (58, "Zürich"), encoding="cp1252")
    [row] = rows(batches(tmp_path, content, encoding="cp1252"))
    assert (row["Text"], row["body_length_ok"], row["checksum_ok"]) == ("Zürich", "true", "true")


def test_bytes_that_are_no_text_cost_their_message_only(tmp_path: Path) -> None:
    found = batches(tmp_path, GOOD + GOOD.replace(b"SELLER", b"SE\xffLER") + GOOD, encoding="utf-8")
    assert [record.rule for record in bad(found)] == ["encoding"]
    assert "\\xff" in bad(found)[0].text
    assert len(rows(found)) == 2


@pytest.mark.parametrize("size", [64, 257, 1_000])
def test_pieces_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    content = b"".join(b"12:00 in: " + message(*ORDER, (58, "x" * place)) + b"\n" for place in range(20)) + GOOD[:50]
    whole = batches(tmp_path, content)
    monkeypatch.setattr(fix_log, "_CHUNK_BYTES", size)
    pieces = batches(tmp_path, content)
    assert rows(pieces) == rows(whole)
    assert rows(pieces, "fields") == rows(whole, "fields")
    assert bad(pieces) == bad(whole)


@pytest.mark.parametrize("separator", ["\x01", "|", "^A", "\t"])
def test_pieces_of_any_size_give_the_same_where_separators_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    content = b"".join(b"| in: " + GOOD.replace(b"\x01", separator.encode()) + b" |\n" for _ in range(8))
    whole = rows(batches(tmp_path, content))
    for size in (50, 57, 64, 77, 89):
        monkeypatch.setattr(fix_log, "_CHUNK_BYTES", size)
        assert rows(batches(tmp_path, content)) == whole


@pytest.mark.parametrize("separator", ["\x01", "|", "^A"])
@pytest.mark.parametrize("between", ["", " and out: "])
def test_messages_of_one_line_are_read_once_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str, between: str
) -> None:
    shown = [message(*ORDER, (58, str(place))).replace(b"\x01", separator.encode()) for place in range(12)]
    shown[4] = shown[4][:-7]  # has no CheckSum
    content = b"in: " + between.encode().join(shown[:6]) + b"\n" + between.encode().join(shown[6:])
    whole = batches(tmp_path, content)
    assert (len(rows(whole)), len(bad(whole))) == (11, 1)
    for size in (64, 150, 257, 1_000):
        monkeypatch.setattr(fix_log, "_CHUNK_BYTES", size)
        pieces = batches(tmp_path, content)
        assert [row["Text"] for row in rows(pieces)] == [row["Text"] for row in rows(whole)]
        assert [row["line"] for row in rows(pieces)] == [row["line"] for row in rows(whole)]
        assert [record.row for record in bad(pieces)] == [record.row for record in bad(whole)]


def test_a_message_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fix_log, "_CHUNK_BYTES", 1_000)
    content = GOOD[:60] + b"x" * 50_000 + b"\n" + GOOD
    file = replace(raw(tmp_path, content), limits=ReadLimits.model_validate({"recordBytes": 5_000}))
    found = list(FixFormat(FixOptions(format="fix")).read(file))
    assert [record.rule for record in bad(found)] == ["cut"]
    assert len(bad(found)[0].text) < 10_000
    assert len(rows(found)) == 1


def test_only_the_wanted_table_is_read_and_told_of(tmp_path: Path) -> None:
    content = GOOD + GOOD[:50]
    assert {batch.table for batch in batches(tmp_path, content, table="messages")} == {"messages"}
    [record] = bad(batches(tmp_path, content, table="fields"))
    assert (record.table, record.row) == ("fields", 11)


def test_columns_do_not_depend_on_what_a_log_holds(tmp_path: Path) -> None:
    one, other = batches(tmp_path, GOOD), batches(tmp_path, message((35, "0"), version="FIXT.1.1"))
    assert [batch.columns.schema for batch in one] == [batch.columns.schema for batch in other]
    assert dict(one[-1].types) == dict(other[-1].types)


def test_an_empty_file_has_its_columns_where_the_policy_takes_it(tmp_path: Path) -> None:
    reader = FixFormat(FixOptions(format="fix"))
    found = list(reader.read(raw(tmp_path, b"", may_be_empty=True)))
    assert {(batch.table, batch.columns.num_rows) for batch in found} == {("messages", 0), ("fields", 0)}


@pytest.mark.parametrize("content", [b"", b"no message here\n", b"<html></html>", bytes(256) * 4, b"\x1f\x8b\x08\x00"])
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="landing/log: ") as caught:
        batches(tmp_path, content)
    assert caught.value.hint


def test_samples_are_messages_of_the_log(tmp_path: Path) -> None:
    content = b"".join(message((35, "D"), (11, f"{place:06d}")) + b"\n" for place in range(5_000))
    reader = FixFormat(FixOptions(format="fix"))
    found = list(reader.sample(raw(tmp_path, content), size_bytes=4_096))
    assert 100 < len(rows(found)) < 1_000
    assert bad(found) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (GOOD, 1.0),
        (b"12:00:01 in: " + GOOD, 0.96),
        (GOOD.replace(b"\x01", b"^A"), 1.0),
        (b"a,b,c\n1,2,3\n", None),
        (b"the version is 8=FIX.4.4\n", None),
    ],
)
def test_logs_are_recognised(content: bytes, found: float | None) -> None:
    likeness = FixFormat.recognises(Head(content=content, text="", whole=True))
    assert (likeness.confidence if likeness else None) == found


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cs",)), max_size=12)
TAGS = st.integers(5_000, 99_999)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(st.lists(st.tuples(TAGS, VALUES), max_size=6), min_size=1, max_size=6))
def test_what_is_written_is_read(tmp_path: Path, found: list[list[tuple[int, str]]]) -> None:
    content = b"".join(b"line: " + message((35, "U"), *fields) + b"\n" for fields in found)
    made = batches(tmp_path, content, encoding="utf-8")
    assert list(grouped(rows(made, "fields"))) == [[(str(tag), value) for tag, value in fields] for fields in found]
    assert all(row["checksum_ok"] == "true" and row["body_length_ok"] == "true" for row in rows(made))


def grouped(found: list[dict[str, Any]]) -> Iterator[list[tuple[str, str]]]:
    for number in dict.fromkeys(row["message"] for row in found):
        yield [(row["tag"], row["value"]) for row in found if row["message"] == number][3:-1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 3 * len(GOOD)), junk=st.binary(min_size=0, max_size=12), size=st.integers(0, 30))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, place: int, junk: bytes, size: int) -> None:
    content = b"in: " + GOOD + b"\n" + message((35, "B"), (95, "3"), (96, "a\x01b")) + GOOD
    content = content[:place] + junk + content[place + size :]
    try:
        found = batches(tmp_path, content)
    except FormatError:
        return
    assert len(rows(found)) + len(bad(found)) >= 1


@pytest.mark.parametrize("damaged", [GOOD[30:], GOOD.replace(b"8=FIX", b"8=FIY"), b"in: " + GOOD[1:] + b"\n"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_message_whose_beginning_is_lost_is_told(tmp_path: Path, damaged: bytes, place: int) -> None:
    whole = [GOOD, GOOD]
    whole.insert(place, damaged)
    found = batches(tmp_path, b"\n".join(whole) + b"\n")
    assert len(rows(found)) == 2
    assert "CheckSum (10) stands in no message" in warnings(found)
    assert "stands in no message" not in warnings(batches(tmp_path, GOOD + b"tail 10=000\n" + GOOD))
