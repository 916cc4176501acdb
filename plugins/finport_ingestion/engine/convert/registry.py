"""The formats that a document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

FORMATS: Registry[Any] = Registry(
    "format",
    {
        "arrow": Entry("finport_ingestion.engine.convert.formats.arrow_file:ArrowFileFormat"),
        "arrow_stream": Entry("finport_ingestion.engine.convert.formats.arrow_stream:ArrowStreamFormat"),
        "avro": Entry("finport_ingestion.engine.convert.formats.avro:AvroFormat"),
        "bai2": Entry("finport_ingestion.engine.convert.formats.bai2:Bai2Format"),
        "csv": Entry("finport_ingestion.engine.convert.formats.delimited:CsvFormat"),
        "dbf": Entry("finport_ingestion.engine.convert.formats.dbf:DbfFormat"),
        "ebcdic": Entry("finport_ingestion.engine.convert.formats.ebcdic:EbcdicFormat"),
        "fedwire": Entry("finport_ingestion.engine.convert.formats.fedwire:FedwireFormat"),
        "fix": Entry("finport_ingestion.engine.convert.formats.fix:FixFormat"),
        "fixed_width": Entry("finport_ingestion.engine.convert.formats.fixed_width:FixedWidthFormat"),
        "fpml": Entry("finport_ingestion.engine.convert.formats.fpml:FpmlFormat"),
        "hdf5": Entry("finport_ingestion.engine.convert.formats.hdf5:Hdf5Format"),
        "html": Entry("finport_ingestion.engine.convert.formats.html_tables:HtmlFormat"),
        "inline_xbrl": Entry("finport_ingestion.engine.convert.formats.inline_xbrl:InlineXbrlFormat"),
        "iso20022": Entry("finport_ingestion.engine.convert.formats.iso20022:Iso20022Format"),
        "json": Entry("finport_ingestion.engine.convert.formats.json_document:JsonFormat"),
        "msgpack": Entry("finport_ingestion.engine.convert.formats.msgpack_records:MsgpackFormat"),
        "mt940": Entry("finport_ingestion.engine.convert.formats.mt940:Mt940Format"),
        "nacha": Entry("finport_ingestion.engine.convert.formats.nacha:NachaFormat"),
        "ndjson": Entry("finport_ingestion.engine.convert.formats.json_lines:NdjsonFormat"),
        "npz": Entry("finport_ingestion.engine.convert.formats.npz:NpzFormat"),
        "ods": Entry("finport_ingestion.engine.convert.formats.spreadsheet:OdsFormat"),
        "ofx": Entry("finport_ingestion.engine.convert.formats.ofx:OfxFormat"),
        "orc": Entry("finport_ingestion.engine.convert.formats.orc:OrcFormat"),
        "parquet": Entry("finport_ingestion.engine.convert.formats.parquet:ParquetFormat"),
        "psv": Entry("finport_ingestion.engine.convert.formats.delimited:PsvFormat"),
        "qif": Entry("finport_ingestion.engine.convert.formats.qif:QifFormat"),
        "sas": Entry("finport_ingestion.engine.convert.formats.sas:SasFormat"),
        "sas_transport": Entry("finport_ingestion.engine.convert.formats.sas:SasTransportFormat"),
        "sdmx": Entry("finport_ingestion.engine.convert.formats.sdmx:SdmxFormat"),
        "sdmx_json": Entry("finport_ingestion.engine.convert.formats.sdmx_json:SdmxJsonFormat"),
        "spss": Entry("finport_ingestion.engine.convert.formats.spss:SpssFormat"),
        "spss_portable": Entry("finport_ingestion.engine.convert.formats.spss:SpssPortableFormat"),
        "sqlite": Entry("finport_ingestion.engine.convert.formats.sqlite_file:SqliteFormat"),
        "stata": Entry("finport_ingestion.engine.convert.formats.stata:StataFormat"),
        "swift_mt": Entry("finport_ingestion.engine.convert.formats.swift_mt:SwiftMtFormat"),
        "tsv": Entry("finport_ingestion.engine.convert.formats.delimited:TsvFormat"),
        "xbrl": Entry("finport_ingestion.engine.convert.formats.xbrl:XbrlFormat"),
        "xls": Entry("finport_ingestion.engine.convert.formats.spreadsheet:XlsFormat"),
        "xlsb": Entry("finport_ingestion.engine.convert.formats.spreadsheet:XlsbFormat"),
        "xlsm": Entry("finport_ingestion.engine.convert.formats.spreadsheet:XlsmFormat"),
        "xlsx": Entry("finport_ingestion.engine.convert.formats.spreadsheet:XlsxFormat"),
        "xml": Entry("finport_ingestion.engine.convert.formats.xml_records:XmlFormat"),
        "yaml": Entry("finport_ingestion.engine.convert.formats.yaml_records:YamlFormat"),
    },
)
