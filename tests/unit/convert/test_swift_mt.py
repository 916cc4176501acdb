"""SWIFT MT messages: blocks, fields with their lines, packed amounts taken apart, a broken message set aside alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.swift_mt import SwiftMtFormat, SwiftMtOptions
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, RawFile
from finport_ingestion.engine.convert.reading import swift_messages
from finport_ingestion.engine.errors import FormatError

SENT = "{1:F01BANKDEFFAXXX1234567890}{2:I103BANKUS33XXXXN}"
RECEIVED = "{1:F01BANKDEFFAXXX1234567890}{2:O1031200240101BANKUS33XABC12345678902401021305N}"
USER = "{3:{108:MUR1}{119:STP}{121:8579f4a4-a547-463e-ae63-e7c6620d59b4}}"
TEXT = """{4:
:20:REF1
:23B:CRED
:32A:240229EUR0001234,50
:33B:USD1500,
:50K:/0001
MAX MUSTER
:59:/DE42
ERIKA
:71A:SHA
-}"""
PAYMENT = SENT + USER + TEXT + "{5:{CHK:ABCDEF123456}}"
ACK = "{1:F21BANKDEFFAXXX1234567890}{4:{177:2401011200}{451:0}{108:MUR1}}"
NAK = "{1:F21BANKDEFFAXXX1234567890}{4:{177:2401011200}{451:1}{405:T27}}"


def raw(folder: Path, content: bytes | str, **more: Any) -> RawFile:
    path = folder / "messages"
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/messages", size_bytes=len(content), **more)


def batches(folder: Path, content: bytes | str, **options: Any) -> list[Batch]:
    reader = SwiftMtFormat(SwiftMtOptions.model_validate({"format": "swift_mt", **options}))
    return list(reader.read(raw(folder, content)))


def rows(found: list[Batch], table: str = "messages") -> list[dict[str, Any]]:
    return [row for batch in found if batch.table == table for row in batch.columns.to_pylist()]


def bad(found: list[Batch]) -> list[BadRecord]:
    return [record for batch in found for record in batch.bad]


def notes(found: list[Batch]) -> str:
    return "\n".join(text for batch in found for text in batch.notes)


def test_a_message_is_a_row_with_its_headers_and_its_amount(tmp_path: Path) -> None:
    [row] = rows(batches(tmp_path, PAYMENT))
    assert {name: value for name, value in row.items() if value is not None and not name.startswith("field_")} == {
        "message": "1",
        "line": "1",
        "block1": "F01BANKDEFFAXXX1234567890",
        "block2": "I103BANKUS33XXXXN",
        "block3": USER[3:-1],
        "block5": "{CHK:ABCDEF123456}",
        "application_id": "F",
        "service_id": "01",
        "direction": "I",
        "message_type": "103",
        "sender": "BANKDEFFXXX",
        "receiver": "BANKUS33XXX",
        "session_number": "1234",
        "sequence_number": "567890",
        "priority": "N",
        "mur": "MUR1",
        "uetr": "8579f4a4-a547-463e-ae63-e7c6620d59b4",
        "validation_flag": "STP",
        "value_date": "2024-02-29",
        "currency": "EUR",
        "amount": "1234.50",
        "instructed_currency": "USD",
        "instructed_amount": "1500",
    }
    assert (row["field_32A"], row["field_50K"], row["field_count"]) == (
        "240229EUR0001234,50",
        "/0001\nMAX MUSTER",
        "11",
    )


def test_a_received_message_has_its_sender_and_times_from_its_second_block(tmp_path: Path) -> None:
    [row] = rows(batches(tmp_path, RECEIVED + TEXT))
    assert (row["direction"], row["sender"], row["receiver"]) == ("O", "BANKUS33ABC", "BANKDEFFXXX")
    assert (row["input_date"], row["input_time"]) == ("2024-01-01", "1200")
    assert (row["output_date"], row["output_time"]) == ("2024-01-02", "1305")


@pytest.mark.parametrize(
    "cut", [SENT, SENT + "{3:{108:MUR1}}", PAYMENT + "\n{", PAYMENT + "\n{1", PAYMENT + "{1:F01BANKDEFFAXXX1234567890}"]
)
def test_a_file_that_ends_in_a_message_says_so(tmp_path: Path, cut: str) -> None:
    found = batches(tmp_path, cut)
    assert bad(found) or any(batch.warnings for batch in found)
    assert not any(batch.warnings for batch in batches(tmp_path, PAYMENT))


def test_every_field_is_a_row_with_its_lines(tmp_path: Path) -> None:
    found = rows(batches(tmp_path, PAYMENT), "fields")
    assert [(row["block"], row["tag"]) for row in found] == [
        *(("3", "108"), ("3", "119"), ("3", "121"), ("4", "20"), ("4", "23B"), ("4", "32A"), ("4", "33B")),
        *(("4", "50K"), ("4", "59"), ("4", "71A"), ("5", "CHK")),
    ]
    assert found[7] == {
        "message": "1",
        "line": "6",
        "position": "8",
        "block": "4",
        "section": None,
        "tag": "50K",
        "field_number": "50",
        "option": "K",
        "qualifier": None,
        "value": "/0001\nMAX MUSTER",
    }


def test_acknowledgements_are_messages_of_their_own(tmp_path: Path) -> None:
    first, second, third = rows(batches(tmp_path, ACK + PAYMENT + "\n" + NAK))
    assert (first["service_id"], first["acknowledged"], first["mur"]) == ("21", "true", "MUR1")
    assert (second["message_type"], second["acknowledged"]) == ("103", None)
    assert (third["acknowledged"], third["error_code"]) == ("false", "T27")


@pytest.mark.parametrize("between", ["", "\n", "\r\n", "$", "\n$\n", "\x03\x01", "   "])
def test_messages_may_be_parted_in_every_usual_way(tmp_path: Path, between: str) -> None:
    found = batches(tmp_path, between.join([PAYMENT, RECEIVED + TEXT, PAYMENT]))
    assert [row["direction"] for row in rows(found)] == ["I", "O", "I"]
    assert notes(found) == ""


def test_text_between_messages_is_told(tmp_path: Path) -> None:
    found = batches(tmp_path, PAYMENT + "{\n$\n" + PAYMENT + "\nEND OF FILE\n")
    assert len(rows(found)) == 2
    assert "left out: in line 11, 24" in notes(found)


def test_sections_and_qualifiers_of_securities_messages_are_told(tmp_path: Path) -> None:
    text = "{4:\n:16R:GENL\n:20C::SEME//REF\n:16R:LINK\n:20C::PREV//X\n:16S:LINK\n:98A::PREP//20240101\n:16S:GENL\n-}"
    found = rows(batches(tmp_path, SENT.replace("103", "540") + text), "fields")
    assert [(row["tag"], row["section"], row["qualifier"]) for row in found] == [
        *(("16R", "GENL", None), ("20C", "GENL", "SEME"), ("16R", "GENL/LINK", None), ("20C", "GENL/LINK", "PREV")),
        *(("16S", "GENL/LINK", None), ("98A", "GENL", "PREP"), ("16S", "GENL", None)),
    ]
    text = "{4:\n:15A:\n:20:X\n:15B:\n:32B:EUR1,\n-}"
    found = rows(batches(tmp_path, SENT.replace("103", "320") + text), "fields")
    assert [row["section"] for row in found] == ["A", "A", "B", "B"]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (TEXT, {"message_type": None}),
        (SENT, {"message_type": "103"}),
        ("{2:I103BANKUS33XXXXN}" + TEXT, {"block1": None}),
    ],
)
def test_blocks_may_be_missing(tmp_path: Path, content: str, parts: dict[str, str | None]) -> None:
    [row] = rows(batches(tmp_path, content))
    assert {name: row[name] for name in parts} == parts


def test_text_before_the_first_field_is_a_field_without_a_tag(tmp_path: Path) -> None:
    found = rows(batches(tmp_path, SENT + "{4:\nfree\ntext\n:20:X\n-}"), "fields")
    assert [(row["tag"], row["value"], row["line"]) for row in found] == [("", "free\ntext", "2"), ("20", "X", "4")]


@pytest.mark.parametrize(
    ("damage", "rule", "line", "said"),
    [
        (("240229EUR", "230229EUR"), "field_32A", 4, "tag :32A: has a date"),
        (("240229EUR0001234,50", "EUR1234,50"), "field_32A", 4, "tag :32A: is not built"),
        (("USD1500,", "USD1.500,00"), "field_33B", 5, "tag :33B: is not built"),
        (("{2:I103", "{2:X103"), "block2", 1, "block 2"),
        (("F01BANK", "F01BAN"), "block1", 1, "block 1"),
        (("\n-}", "\n"), "cut", 1, "block 4 has no end"),
        (("{119:STP}", "{119:STP"), "cut", 1, "block 3 has no end"),
        (("{5:{CHK:ABCDEF123456}}", "{5:{CHK:ABC"), "cut", 1, "block 5 has no end"),
    ],
)
def test_a_message_that_cannot_be_read_is_set_aside_alone(
    tmp_path: Path, damage: tuple[str, str], rule: str, line: int, said: str
) -> None:
    broken = PAYMENT.replace(*damage)
    found = batches(tmp_path, PAYMENT + "\n" + broken + "\n" + PAYMENT)
    [record] = bad(found)
    assert (record.rule, record.row) == (rule, 2)
    assert record.reason.startswith(f"line {11 + line}, byte ")
    assert said in record.reason
    assert "REF1" in record.text
    assert [row["message"] for row in rows(found)] == ["1", "3"]
    assert {row["message"] for row in rows(found, "fields")} == {"1", "3"}


def test_a_place_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    content = (PAYMENT + "\n" + PAYMENT.replace("USD1500,", "USD1.500,")).replace("\n", "\r\n")
    [record] = bad(batches(tmp_path, content))
    assert f"byte {content.rindex(':33B:')}: " in record.reason


def test_blocks_without_a_beginning_cost_no_more_than_messages(tmp_path: Path) -> None:
    found = batches(tmp_path, "{5:{CHK:1}}\n" * 30_000)
    assert len(bad(found)) == 30_000


def test_deep_nesting_is_a_finding(tmp_path: Path) -> None:
    found = batches(tmp_path, PAYMENT + "{1:" + "{" * 5_000 + "\n" + PAYMENT)
    assert [record.rule for record in bad(found)] == ["cut"]
    assert len(rows(found)) == 2


def test_pieces_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\r\n$\r\n".join([ACK, PAYMENT, RECEIVED + TEXT, PAYMENT.replace("240229", "240230")] * 5)
    whole = batches(tmp_path, content)
    for size in (40, 333, 1_000):
        monkeypatch.setattr(swift_messages, "_CHUNK_BYTES", size)
        pieces = batches(tmp_path, content)
        assert rows(pieces) == rows(whole)
        assert rows(pieces, "fields") == rows(whole, "fields")
        assert bad(pieces) == bad(whole)


def test_bytes_that_are_no_text_cost_their_message_only(tmp_path: Path) -> None:
    found = batches(tmp_path, (PAYMENT * 2).encode() + PAYMENT.encode().replace(b"ERIKA", b"\xff"), encoding="utf-8")
    assert [record.rule for record in bad(found)] == ["encoding"]
    assert len(rows(found)) == 2


def test_columns_do_not_depend_on_what_a_file_holds(tmp_path: Path) -> None:
    reader = SwiftMtFormat(SwiftMtOptions(format="swift_mt"))
    found = [*reader.read(raw(tmp_path, b"", may_be_empty=True)), *batches(tmp_path, PAYMENT)]
    for table in ("messages", "fields"):
        assert len({str(batch.columns.schema) for batch in found if batch.table == table}) == 1
    assert {batch.types["amount"] for batch in found if batch.table == "messages"} == {"decimal(18,2)"}


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"<html></html>", bytes(256) * 4, b'{"a": 1}', b"\x1f\x8b\x08"]
)
def test_what_holds_no_message_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="landing/messages: ") as caught:
        batches(tmp_path, content)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        (PAYMENT, 0.99),
        (ACK, 0.99),
        ("{2:I103BANKUS33XXXXN}" + TEXT, 0.95),
        ("\n" + TEXT, 0.9),
        (PAYMENT.replace("{2:I103", "{2:I940"), 0.7),
        ('{"a": 1}', None),
        ("id,name\n", None),
    ],
)
def test_messages_are_recognised(text: str, confidence: float | None) -> None:
    likeness = SwiftMtFormat.recognises(Head(content=text.encode(), text=text, whole=True))
    assert (likeness.confidence if likeness else None) == confidence


LINES = st.lists(st.text("ABCxyz0123456789/-?().,'+ ", min_size=1, max_size=20), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(st.lists(st.tuples(st.sampled_from(["50K", "59", "70", "72"]), LINES), max_size=5), min_size=1))
def test_what_is_written_is_read(tmp_path: Path, found: list[list[tuple[str, list[str]]]]) -> None:
    texts = [[(tag, "\n".join(lines).replace("\n-}", "\n-")) for tag, lines in fields] for fields in found]
    written = ("".join(f":{tag}:{text}\n" for tag, text in fields) for fields in texts)
    content = "\n$\n".join(f"{SENT}{{4:\n{text}-}}" for text in written)
    made = rows(batches(tmp_path, content), "fields")
    for number, fields in enumerate(texts, start=1):
        assert [(row["tag"], row["value"]) for row in made if row["message"] == str(number)] == fields


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2 * len(PAYMENT)), junk=st.binary(max_size=10), size=st.integers(0, 40))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, place: int, junk: bytes, size: int) -> None:
    content = (ACK + PAYMENT + PAYMENT).encode()
    content = content[:place] + junk + content[place + size :]
    try:
        found = batches(tmp_path, content)
    except FormatError:
        return
    assert rows(found) or bad(found)
