"""Files that state checksums, as the tools of the trade write them."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from finport_ingestion.engine.sources.files.checksums import stated_checksum

NAME = "prices 2024.csv"
CONTENT = b"a,b\n1,2\n"


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("options", [(), ("--tag",), ("--binary",)], ids=["plain", "tagged", "binary"])
def test_what_the_tools_write_is_read(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    (tmp_path / "other.csv").write_bytes(b"")
    digits = hashlib.new(kind, CONTENT).hexdigest()
    for names in ([NAME], ["other.csv", NAME]):
        command = [f"{kind}sum", *options, *names]
        written = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
        assert stated_checksum(written, f"drop/{NAME}") == f"{kind}:{digits}"


@pytest.mark.parametrize(
    "written",
    [
        "{digits}",
        "{digits}\n",
        "{upper}\r\n",
        "\ufeff{digits}\n",
        "{digits}  ./out/prices 2024.csv\n",
        "{digits} *C:\\out\\prices 2024.csv\r\n",
        "# made by the sender\n\n{digits}  prices 2024.csv\n",
        "SHA256(prices 2024.csv)= {digits}\n",
        "SHA-256 (prices 2024.csv) = {digits}\n",
    ],
)
def test_what_others_write_is_read(written: str) -> None:
    digits = hashlib.sha256(CONTENT).hexdigest()
    content = written.format(digits=digits, upper=digits.upper()).encode()
    assert stated_checksum(content, NAME) == f"sha256:{digits}"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no checksum",
        "{digits}  other.csv\n",
        "{digits}\n{digits}\n",
        "{cut}  prices 2024.csv\n",
        "MD5 (prices 2024.csv) = {digits}\n",
        "{digits}prices 2024.csv\n",
        "\0\1\2",
    ],
)
def test_what_states_no_checksum_of_the_file_is_none(written: str) -> None:
    digits = hashlib.sha256(CONTENT).hexdigest()
    assert stated_checksum(written.format(digits=digits, cut=digits[:-1]).encode(), NAME) is None
