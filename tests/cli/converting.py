"""Files as banks and vendors send them, small, and what the command makes of them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner, Result

from finport_ingestion.cli.entry import app

TRADES = "trade_id,cusip,quantity,price,traded_on\n1,037833100,100,243.85,2026-01-02\n2,00206R102,50,17.5,2026-01-05\n"
BROKEN = "isin,price\nUS0378331005,1.50\nUS5949181045,2.25,surplus\nUS4592001014,3.75\n"
STATEMENT = """\
:20:STARTUMSE
:25:10020030/1234567
:28C:00001/001
:60F:C070904EUR210,50
:61:0709040904DR50,00NTRFNONREF//B7
:86:TRANSFER
:62F:C070904EUR160,50
"""
LAYOUT = {
    "format": "fixed_width",
    "columns": [
        {"name": "account", "start": 0, "length": 6},
        {"name": "amount", "start": 6, "length": 8},
        {"name": "booked", "start": 14, "length": 10},
    ],
}
FIXED = "001234   12.502026-01-02\n000099    7.252026-01-05\n"


@dataclass(frozen=True)
class Desk:
    """A folder in which somebody converts files."""

    folder: Path

    def put(self, name: str, content: str | bytes) -> Path:
        """A file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def put_mixed(self) -> Path:
        """A folder of files of several kinds: four are good, one has a bad record, one is cut."""
        self.put("in/trades.csv", TRADES)
        self.put("in/archive/trades.csv.gz", gzip.compress(TRADES.encode()))
        self.put("in/bank/statement.sta", STATEMENT)
        self.put("in/prices.csv", BROKEN)
        self.put("in/rates.ndjson", '{"pair": "EURUSD", "rate": 1.0842}\n{"pair": "USDJPY", "rate": 156.3}\n')
        self.put("in/cut.parquet", b"PAR1" + b"\x15\x04\x15\x10" * 10)
        self.put("in/.hidden.csv", "a\n1\n")
        return self.folder / "in"

    def run(self, *arguments: object, stdin: bytes | None = None) -> Result:
        """Run `finport` with these arguments, in this process."""
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    def told(self, *arguments: object, code: int = 0, stdin: bytes | None = None) -> str:
        """What a person reads: the results, then what went wrong."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.stdout + result.stderr

    def reports(self, *arguments: object, code: int = 0, stdin: bytes | None = None) -> list[dict[str, Any]]:
        """What `finport convert` reports for programs."""
        result = self.run("convert", *arguments, "--report", "json", stdin=stdin)
        assert result.exit_code == code, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def report(self, *arguments: object, code: int = 0, stdin: bytes | None = None) -> dict[str, Any]:
        """The same for one file."""
        (report,) = self.reports(*arguments, code=code, stdin=stdin)
        return report

    def written(self, out: str = "out") -> list[str]:
        """Every file and folder of the output that is not a folder of something."""
        folder = self.folder / out
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())

    def left(self) -> list[str]:
        """What lies in the output folder, hidden or not."""
        return sorted(path.name for path in (self.folder / "out").iterdir())

    def table(self, path: str) -> pa.Table:
        """A written file."""
        return pq.ParquetFile(self.folder / "out" / path).read()
