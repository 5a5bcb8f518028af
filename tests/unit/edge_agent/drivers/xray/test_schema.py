"""A scanner's profile: what is wrong with it is told by key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.stream import Heard
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.errors import ConfigError
from edge_agent.model.lane_readings import Scan
from edge_agent.profiles import load_profile

DELIMITED = (Path(__file__).resolve().parents[5] / "firmware_configs/xray/line-delimited.toml").read_text("utf-8")
CAPTURES = Path(__file__).resolve().parents[4] / "captures" / "xray"


def load(directory: Path, text: str) -> XrayProfile:
    (directory / "xray").mkdir()
    (directory / "xray" / "mine.toml").write_text(text, encoding="utf-8")
    return load_profile("xray/mine", directory, of=XrayProfile)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("columns = 5\n", "", "a delimited line needs separator and columns"),
        ("column = 4", "column = 5", "field.image needs a column below 5"),
        ("scan_id = { column = 0 }", "scan_id = { at = [0, 5] }", "field.scan_id needs a column below 5"),
        ('encoding = "utf-8"', 'encoding = "utf-9"', "not an encoding"),
        ('encoding = "utf-8"', 'encoding = "utf-16"', "lines of text cannot be cut in it"),
        ('encoding = "utf-8"', 'encoding = "hex"', "lines of text cannot be cut in it"),
        ('separator = ","', "separator = '||'\nquote = '!'", "whose separator is one character"),
        ('PASS = "clear"', 'PASS = "fine"', "verdict.PASS"),
        ('PASS = "clear"', 'PASS = "clear"\nalarm = "clear"', "stands for two verdicts"),
        ("[image]\n", "[imag]\n", "unknown key. Did you mean 'image'"),
        ('form = "delimited"', 'form = "fixed"', "a delimited line needs separator and columns, a fixed one"),
        ("[link]\nbaud = 9600\n", '[dicos]\nsuffixes = [".dcs"]\n[link]\nbaud = 9600\n', "or dicos instead"),
    ],
)
def test_what_is_wrong_is_told_by_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in DELIMITED
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, DELIMITED.replace(old, new))


def test_a_scanner_of_ones_own_is_described_in_one_file(tmp_path: Path) -> None:
    text = DELIMITED.replace("checksum = {", "# checksum = {").replace('separator = ","', 'separator = "|"')
    driver = XrayDriver(load(tmp_path, text.replace('encoding = "utf-8"', 'encoding = "gb18030"')))
    (item,) = driver.feed("7|ALARM|刀|0.5|7.jpg\r\n".encode("gb18030"))

    assert isinstance(item, Heard)
    assert item.said.object_class == "刀"
    assert item.said.verdict == "alarm"


def mine(directory: Path, **lines: str) -> XrayDriver:
    """The shipped description without a checksum, with these keys of its lines."""
    text = DELIMITED.replace("checksum = {", "# checksum = {").replace("confidence_full", "# confidence_full")
    for key, value in lines.items():
        old = next((line for line in text.splitlines() if line.startswith(f"{key} = ")), "[line]")
        text = text.replace(old, f"{key} = {value}" if old != "[line]" else f"[line]\n{key} = {value}", 1)
    return XrayDriver(load(directory, text))


@pytest.mark.parametrize(
    ("lines", "data", "scan"),
    [
        (
            {"separator": '"\\t"'},
            "7\tcheck\tx y\t0.5\t7.jpg",
            Scan("7", "suspect", "check", "x y", Decimal("0.5"), "7.jpg"),
        ),
        ({"separator": '"||"'}, "7||Pass||a|b||||", Scan("7", "clear", "Pass", "a|b", None, None)),
        (
            {"quote": "'\"'"},
            '"7","ALARM","a,b ""c""",0.5,7.jpg',
            Scan("7", "alarm", "ALARM", 'a,b "c"', Decimal("0.5"), "7.jpg"),
        ),
        ({}, "\ufeff7,PASS,-,N/A,--", Scan("7", "clear", "PASS", None, None, None)),
        ({}, "7\0\0,PASS\0,\u3000刀\u3000,50%,\0", Scan("7", "clear", "PASS", "刀", Decimal("0.5"), None)),
        (
            {"encoding": '"gbk"', "separator": '"|"'},
            "7|PASS|渱|1|箱.jpg",
            Scan("7", "clear", "PASS", "渱", Decimal(1), "箱.jpg"),
        ),
    ],
)
def test_what_scanners_make_of_a_line_is_read(tmp_path: Path, lines: dict[str, str], data: str, scan: Scan) -> None:
    (item,) = mine(tmp_path, **lines).feed(data.encode(lines.get("encoding", "utf-8").strip('"')) + b"\r\n")

    assert isinstance(item, Heard)
    assert item.said == scan


@pytest.mark.parametrize("data", ['"7,PASS,a,0.5,7.jpg', '"7"x,PASS,a,0.5,7.jpg', '7,PASS,a,0.5,"7.jpg'])
def test_quotes_that_do_not_close_are_no_line(tmp_path: Path, data: str) -> None:
    (item,) = mine(tmp_path, quote="'\"'").feed(data.encode() + b"\r\n")

    assert isinstance(item, Garbled)
    assert "quotes" in item.reason


def test_a_profile_of_files_has_no_lines_to_read() -> None:
    with pytest.raises(ConfigError, match="describes no lines"):
        XrayDriver(load_profile("xray/dicos", of=XrayProfile))


PIECES = [
    piece
    for name in ("three_scans", "damaged", "unknown_word")
    for piece in next((CAPTURES / "line-delimited").glob(f"{name}.*")).read_bytes().splitlines(keepends=True)
]


@given(st.lists(st.sampled_from([*PIECES, b"\r\n", b"A" * 600]), max_size=8).map(b"".join), st.integers(1, 90))
def test_however_the_stream_is_cut_the_scans_are_the_same(data: bytes, size: int) -> None:
    def fed(size: int) -> list[Heard[Scan] | Garbled]:
        driver = XrayDriver(load_profile("xray/line-delimited", of=XrayProfile))
        return [item for at in range(0, len(data), size) for item in driver.feed(data[at : at + size])] + driver.flush()

    assert fed(size) == fed(len(data) or 1)
