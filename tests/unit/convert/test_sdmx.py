"""SDMX in XML and JSON: the same observations whatever the form, with what stands above them carried down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.xml_files import bad, likeness, raw_of, read, rows, warnings

_TWO = "http://www.SDMX.org/resources/SDMXML/schemas/v2_0"
_TWO_ONE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
_THREE = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"

GENERIC = f"""<m:GenericData xmlns:m="{_TWO_ONE}/message" xmlns:g="{_TWO_ONE}/data/generic">
<m:Header><m:ID>X1</m:ID><m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD"/></m:Header>
<m:DataSet structureRef="S"><g:Attributes><g:Value id="TITLE" value="T"/></g:Attributes>
<g:Group type="Sibling"><g:GroupKey><g:Value id="GEO" value="AT"/></g:GroupKey>
<g:Attributes><g:Value id="UNIT" value="EUR"/></g:Attributes></g:Group>
<g:Series><g:SeriesKey><g:Value id="FREQ" value="A"/><g:Value id="GEO" value="AT"/></g:SeriesKey>
<g:Attributes><g:Value id="DECIMALS" value="2"/></g:Attributes>
<g:Obs><g:ObsDimension value="2024"/><g:ObsValue value="1.10"/></g:Obs>
<g:Obs><g:ObsDimension value="2025"/><g:ObsValue value="NaN"/><g:Attributes><g:Value id="OBS_STATUS" value="M"/>
</g:Attributes></g:Obs></g:Series>
<g:Series><g:SeriesKey><g:Value id="FREQ" value="A"/><g:Value id="GEO" value="BE"/></g:SeriesKey>
<g:Obs><g:ObsDimension value="2024"/><g:ObsValue value="3"/></g:Obs></g:Series></m:DataSet></m:GenericData>"""

OLD_GENERIC = f"""<GenericData xmlns="{_TWO}/message" xmlns:g="{_TWO}/generic"><DataSet>
<g:Attributes><g:Value concept="TITLE" value="T"/></g:Attributes>
<g:Series><g:SeriesKey><g:Value concept="FREQ" value="A"/><g:Value concept="GEO" value="AT"/></g:SeriesKey>
<g:Attributes><g:Value concept="DECIMALS" value="2"/><g:Value concept="UNIT" value="EUR"/></g:Attributes>
<g:Obs><g:Time>2024</g:Time><g:ObsValue value="1.10"/></g:Obs>
<g:Obs><g:Time>2025</g:Time><g:ObsValue value="NaN"/><g:Attributes><g:Value concept="OBS_STATUS" value="M"/>
</g:Attributes></g:Obs></g:Series>
<g:Series><g:SeriesKey><g:Value concept="FREQ" value="A"/><g:Value concept="GEO" value="BE"/></g:SeriesKey>
<g:Obs><g:Time>2024</g:Time><g:ObsValue value="3"/></g:Obs></g:Series></DataSet></GenericData>"""


def specific(root: str, version: str) -> str:
    return f"""<m:{root} xmlns:m="{version}/message" xmlns:s="urn:s" xmlns:ss="{version}/data/structurespecific">
<m:DataSet ss:structureRef="S" ss:setID="1" TITLE="T"><Group GEO="AT" UNIT="EUR"/>
<Series FREQ="A" GEO="AT" DECIMALS="2"><Obs TIME_PERIOD="2024" OBS_VALUE="1.10"/>
<Obs TIME_PERIOD="2025" OBS_VALUE="NaN" OBS_STATUS="M"/></Series>
<Series FREQ="A" GEO="BE"><Obs TIME_PERIOD="2024" OBS_VALUE="3"/></Series></m:DataSet></m:{root}>"""


FLAT = f"""<m:StructureSpecificData xmlns:m="{_TWO_ONE}/message"><m:DataSet TITLE="T">
<Obs FREQ="A" GEO="AT" DECIMALS="2" UNIT="EUR" TIME_PERIOD="2024" OBS_VALUE="1.10"/>
<Obs FREQ="A" GEO="AT" DECIMALS="2" UNIT="EUR" TIME_PERIOD="2025" OBS_VALUE="NaN" OBS_STATUS="M"/>
<Obs FREQ="A" GEO="BE" TIME_PERIOD="2024" OBS_VALUE="3"/></m:DataSet></m:StructureSpecificData>"""

OBSERVATIONS = [
    {"FREQ": "A", "GEO": "AT", "TIME_PERIOD": "2024", "OBS_VALUE": "1.10", "DECIMALS": "2", "UNIT": "EUR"},
    {"FREQ": "A", "GEO": "AT", "TIME_PERIOD": "2025", "OBS_VALUE": "NaN", "DECIMALS": "2", "UNIT": "EUR"},
    {"FREQ": "A", "GEO": "BE", "TIME_PERIOD": "2024", "OBS_VALUE": "3"},
]
EXPECTED = [{**OBSERVATIONS[0]}, {**OBSERVATIONS[1], "OBS_STATUS": "M"}, {**OBSERVATIONS[2]}]


@pytest.mark.parametrize(
    "content",
    [
        GENERIC,
        OLD_GENERIC,
        specific("StructureSpecificData", _TWO_ONE),
        specific("StructureSpecificData", _THREE),
        specific("CompactData", _TWO),
        FLAT,
    ],
    ids=["generic 2.1", "generic 2.0", "specific 2.1", "specific 3.0", "compact 2.0", "flat"],
)
def test_every_form_gives_the_same_observations(tmp_path: Path, content: str) -> None:
    batches = read("sdmx", raw_of(tmp_path, content))
    assert rows(batches, "observations") == [{**row, "TITLE": "T"} for row in EXPECTED]
    assert batches[0].types["GEO"] == "text"
    assert "OBS_VALUE" not in batches[0].types


def test_an_observation_with_a_nameless_value_is_set_aside(tmp_path: Path) -> None:
    content = GENERIC.replace('<g:Value id="OBS_STATUS" value="M"/>', '<g:Value value="M"/>')
    batches = read("sdmx", raw_of(tmp_path, content))
    assert len(rows(batches, "observations")) == 2
    [record] = bad(batches)
    assert record.row == 2
    assert record.reason.startswith("line 9: ")


def test_the_sender_and_deleted_data_are_heard(tmp_path: Path) -> None:
    footer = f'<f:Footer xmlns:f="{_TWO_ONE}/message/footer"><f:Message code="510" severity="Warning"><x>too big</x>'
    content = FLAT.replace("</m:StructureSpecificData>", f"{footer}</f:Message></f:Footer></m:StructureSpecificData>")
    content = content.replace("<m:DataSet ", '<m:DataSet action="Delete" ')
    found = warnings(read("sdmx", raw_of(tmp_path, content)))
    assert any("too big" in text for text in found)
    assert any("deleted" in text for text in found)


def test_a_group_that_comes_too_late_is_said(tmp_path: Path) -> None:
    content = FLAT.replace("</m:DataSet>", '<Group GEO="AT" X="1"/></m:DataSet>')
    [warning] = warnings(read("sdmx", raw_of(tmp_path, content)))
    assert "line 4: a group stands behind observations" in warning


def test_several_values_of_an_attribute_are_a_list(tmp_path: Path) -> None:
    content = FLAT.replace(
        'OBS_VALUE="3"/>', 'OBS_VALUE="3"><Comp id="C"><Value>a</Value><Value>b</Value></Comp></Obs>'
    )
    assert rows(read("sdmx", raw_of(tmp_path, content)), "observations")[2]["C"] == '["a","b"]'


def test_messages_without_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="without data"):
        read("sdmx", raw_of(tmp_path, f'<m:Structure xmlns:m="{_TWO_ONE}/message"/>'))
    with pytest.raises(FormatError, match="without any data set"):
        read("sdmx", raw_of(tmp_path, f'<m:GenericData xmlns:m="{_TWO_ONE}/message"/>'))
    with pytest.raises(FormatError, match="no well-formed XML"):
        read("sdmx", raw_of(tmp_path, GENERIC[:-60]))


def coded(key: str, *codes: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "values": [{"id": code, "name": code.lower()} for code in codes], **more}


def message(**of_the_set: Any) -> dict[str, Any]:
    structure = {
        "dimensions": {
            "series": [coded("GEO", "AT", "BE", keyPosition=1), coded("FREQ", "A", keyPosition=0)],
            "observation": [coded("TIME_PERIOD", "2024", "2025", keyPosition=2)],
        },
        "attributes": {
            "dataSet": [coded("TITLE", "T")],
            "series": [coded("UNIT", "EUR")],
            "observation": [coded("OBS_STATUS", "M", "P")],
        },
    }
    series = {
        "0:0": {"attributes": [0], "observations": {"0": [1.10, None], "1": [None, 0]}},
        "1:0": {"attributes": [None], "observations": {"0": [3]}},
    }
    return {"structure": structure, "dataSets": [{"attributes": [0], "series": series, **of_the_set}]}


def test_positions_are_decoded_and_numbers_are_exact(tmp_path: Path) -> None:
    text = json.dumps(message()).replace("1.1,", "1.10,")
    expected = [
        {"FREQ": "A", "GEO": "AT", "TIME_PERIOD": "2024", "OBS_VALUE": "1.10", "TITLE": "T", "UNIT": "EUR"},
        {"FREQ": "A", "GEO": "AT", "TIME_PERIOD": "2025", "TITLE": "T", "UNIT": "EUR", "OBS_STATUS": "M"},
        {"FREQ": "A", "GEO": "BE", "TIME_PERIOD": "2024", "OBS_VALUE": "3", "TITLE": "T"},
    ]
    for content in (text, json.dumps({"data": "?"}).replace('"?"', text)):
        batches = read("sdmx_json", raw_of(tmp_path, content))
        assert rows(batches, "observations") == expected
        assert batches[0].columns.schema.names[:4] == ["FREQ", "GEO", "TIME_PERIOD", "OBS_VALUE"]
        assert batches[0].origins == {"OBS_VALUE": frozenset([Origin.NUMBER])}


def test_the_second_version_has_structures_and_measures(tmp_path: Path) -> None:
    structure = {
        "dimensions": {"observation": [coded("GEO", "AT"), {"id": "T", "values": [{"value": "2024"}]}]},
        "measures": {"observation": [{"id": "A"}, {"id": "B"}]},
        "attributes": {"observation": [{"id": "NOTE"}], "dimensionGroup": [{"id": "UNIT"}]},
    }
    data = {
        "structure": 0,
        "dimensionGroupAttributes": {"0:": ["EUR"]},
        "observations": {"0:0": ["x", 12345678901234567890.5, "free text"]},
    }
    text = json.dumps({"data": {"structures": [structure], "dataSets": [data]}})
    text = text.replace("1.2345678901234567e+19", "12345678901234567890.5")
    assert rows(read("sdmx_json", raw_of(tmp_path, text)), "observations") == [
        {"GEO": "AT", "T": "2024", "A": "x", "B": "12345678901234567890.5", "NOTE": "free text", "UNIT": "EUR"}
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps(message(series={"0:7": {"observations": {"0": [1]}}})), "has position '7' of 'FREQ'"),
        (json.dumps(message(series={"0": {"observations": {"0": [1]}}})), "has 1 positions"),
        (json.dumps({"a": 1}), "no 'dataSets'"),
        (json.dumps(message(structure=7)), "names structure 7, of 1"),
        (json.dumps(message(structure=0.5)), "names structure 0.5, of 1"),
        (json.dumps(message(series=[1])), "'series' is no object"),
        (json.dumps(message(dimensionGroupAttributes={"0::": 1})), "of the group '0::' are no list"),
        (json.dumps(message()).replace('"values": [{"id": "A", "name": "a"}]', '"values": {"0": 1}'), "are no list"),
        (json.dumps(message(series={"0:0": {"observations": {"0": [{"a": float("nan")}]}}})), "NaN"),
        ("[1]", "not JSON: no object"),
        ('{"dataSets": [', "not JSON: line 1"),
        ('{"a":' * 100_000, "nested too deep"),
        (json.dumps(message()).replace('"1:0"', '"0:0"'), "stands twice"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read("sdmx_json", raw_of(tmp_path, content))
    assert caught.value.hint


def test_an_answer_that_is_an_error_is_no_data(tmp_path: Path) -> None:
    root = 'm:Error xmlns:m="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"'
    text = f"<{root}><m:ErrorMessage code='100'/></m:Error>"
    assert likeness("sdmx", tmp_path, text.encode()) is not None
    with pytest.raises(FormatError, match="an SDMX message without data: its root element is 'Error'"):
        read("sdmx", raw_of(tmp_path, text))


def test_both_are_recognised_by_their_beginning(tmp_path: Path) -> None:
    assert (found := likeness("sdmx", tmp_path, GENERIC[:400].encode()))
    assert found.confidence >= 0.95
    assert (found := likeness("sdmx_json", tmp_path, json.dumps(message()).encode("utf-16")))
    assert found.confidence > 0.9
    assert likeness("sdmx_json", tmp_path, b'{"a": 1}') is None
    nothing = '{"dataSets": [{"observations": {}}], "structure": {"dimensions": {"observation": []}}}'
    assert likeness("sdmx_json", tmp_path, nothing.encode()) is not None
    assert likeness("sdmx", tmp_path, b"<Data/>") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"0": [1]', '"%s": [1]'),
        ('"keyPosition": 0', '"keyPosition": %s'),
        ('"dataSets": [{', '"dataSets": [{"structure": %s,'),
    ],
)
def test_positions_of_thousands_of_digits_are_none(tmp_path: Path, before: str, after: str) -> None:
    structure = {"dimensions": {"observation": [{"id": "A", "keyPosition": 0, "values": [{"id": "a1"}]}]}}
    text = json.dumps({"dataSets": [{"observations": {"0": [1]}}], "structure": structure})
    assert before in text
    raw = raw_of(tmp_path, text.replace(before, after % ("9" * 5_000)))
    if "keyPosition" in before:
        assert rows(read("sdmx_json", raw), "observations") == [{"A": "a1", "OBS_VALUE": "1"}]
        return
    with pytest.raises(FormatError, match="no SDMX-JSON data message"):
        read("sdmx_json", raw)
