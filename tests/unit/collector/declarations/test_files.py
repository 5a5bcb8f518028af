from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.declarations import files
from collector.declarations.files import DeclarationFileError, Entry, FileFormat, read_entries
from collector.declarations.rows import REQUIRED
from gate_contract.v1.declaration_pb2 import Declaration

ROW = ("D-1", "2026-03-01T08:30:00+08:00", "xinhai", "outbound", "琼A12345", "13000")
HEADER = ",".join(REQUIRED)


def read(data: bytes | str, file_format: FileFormat = "csv") -> list[Entry]:
    return list(read_entries(io.BytesIO(data if isinstance(data, bytes) else data.encode()), file_format))


def row(number: int) -> str:
    return ",".join((f"D-{number}", *ROW[1:]))


def entry(number: int, **changed: Any) -> dict[str, Any]:
    return dict(zip(REQUIRED, (f"D-{number}", *ROW[1:]), strict=True)) | changed


def ids(entries: list[Entry]) -> list[tuple[int, str]]:
    return [(number, each.declaration_id) for number, each in entries if isinstance(each, Declaration)]


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    text = "\r\n".join([HEADER, row(1), "", ",,,,,", '"D-2\nx",' + ",".join(ROW[1:]), row(3)])
    entries = read(text)
    assert ids(entries) == [(2, "D-1"), (6, "D-3")]
    number, bad = entries[1]
    assert (number, isinstance(bad, list)) == (5, True)


def test_the_mark_that_excel_puts_before_utf_8_is_no_part_of_a_name() -> None:
    assert ids(read(b"\xef\xbb\xbf" + f"{HEADER}\n{row(1)}\n".encode())) == [(2, "D-1")]
    assert ids(read(b"\xef\xbb\xbf" + json.dumps([entry(1)]).encode(), "json")) == [(1, "D-1")]


@pytest.mark.parametrize(
    ("encoding", "names"), [("gbk", "GBK"), ("gb18030", "GBK"), ("utf-16", "UTF-16"), ("latin-1", "no UTF-8")]
)
def test_another_encoding_is_named_with_what_to_do(encoding: str, names: str) -> None:
    text = f"{HEADER}\n{row(1)}\n" if encoding != "latin-1" else f"{HEADER}\nCaf\xe9\n"
    with pytest.raises(DeclarationFileError, match=f"not in UTF-8.*{names}.*CSV UTF-8"):
        read(text.encode(encoding))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_named(separator: str) -> None:
    with pytest.raises(DeclarationFileError, match="not comma separated"):
        read(f"{HEADER}\n{row(1)}\n".replace(",", separator))


def test_an_empty_file_says_what_is_missing_and_a_header_alone_is_no_declaration() -> None:
    with pytest.raises(DeclarationFileError, match="empty"):
        read(b"")
    assert read(HEADER) == []
    assert read("[]", "json") == read(" [ ] \n", "json") == []


def test_a_wrong_header_is_the_only_entry() -> None:
    [(number, bad)] = read(f"{HEADER},colour\n{row(1)},red\n")
    assert number == 1
    assert isinstance(bad, list)
    assert bad[0].field == "colour"


@pytest.mark.parametrize("text", [f'{HEADER}\n"D-1,{",".join(ROW[1:])}\n', f'{HEADER}\n"D"1,{",".join(ROW[1:])}\n'])
def test_a_quotation_mark_that_does_not_close_ends_the_reading(text: str) -> None:
    with pytest.raises(DeclarationFileError, match=r"no well-formed CSV\. after row 1, line"):
        read(text)


def test_numbers_in_json_stay_the_text_that_was_written() -> None:
    text = json.dumps([entry(1, cargo_kilograms="@", persons=2)]).replace('"@"', "12345.600")
    [(_, declaration)] = read(text, "json")
    assert isinstance(declaration, Declaration)
    assert (declaration.cargo_kilograms, declaration.persons) == ("12345.6", 2)


@pytest.mark.parametrize(
    ("number", "reason"), [("1.2e4", "scientific"), ("NaN", "not a number"), ("-1", "negative"), ("9" * 5000, "not a")]
)
def test_a_number_in_json_is_judged_as_it_is_written(number: str, reason: str) -> None:
    text = json.dumps([entry(1, cargo_kilograms="@")]).replace('"@"', number)
    [(_, bad)] = read(text, "json")
    assert isinstance(bad, list)
    assert reason in bad[0].reason


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("7", "must be a list"),
        ("", "must be a list"),
        ("{", "at its beginning"),
        ("{} {", "after entry 1"),
        ("{}, {}", "after entry 1: between two objects there must be a line break"),
        ("{}\n[]", "after entry 1: between two objects"),
        ("[", "at its beginning"),
        ("[{}", "after entry 1"),
        ("[{} {}]", "after entry 1: between two entries"),
        ("[{},]", "after entry 1"),
        ("[{}] x", "something follows"),
        ('[{"a": 1, "a": 2}]', "'a' is there twice"),
        ('[{"a": tru}]', "at its beginning"),
        ("[" * 100_000, "at its beginning"),
        ('[{"a": "' + "x" * 2_000_000 + '"}]', "at its beginning"),
    ],
)
def test_json_that_is_no_list_of_objects_ends_the_reading(text: str, cause: str) -> None:
    with pytest.raises(DeclarationFileError, match=cause) as refused:
        read(text, "json")
    assert "correct it there" in refused.value.fix


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_one_object_on_each_line_is_read_in_pieces_of_any_size(numbers: list[int], chunk: int, ending: str) -> None:
    text = "".join(json.dumps(entry(number)) + ending for number in numbers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "CHUNK_CHARACTERS", chunk)
        assert ids(read(text, "json")) == [(at, f"D-{number}") for at, number in enumerate(numbers, 1)]


@given(st.lists(st.integers(0, 10**6), max_size=6), st.integers(1, 40), st.sampled_from([None, 1, "\t"]))
def test_json_is_read_the_same_in_pieces_of_any_size(numbers: list[int], chunk: int, indent: int | str | None) -> None:
    text = json.dumps([entry(number) for number in numbers], indent=indent, ensure_ascii=chunk % 2 == 0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "CHUNK_CHARACTERS", chunk)
        assert ids(read(text, "json")) == [(at, f"D-{number}") for at, number in enumerate(numbers, 1)]


@given(st.binary())
def test_any_bytes_are_entries_or_one_clear_error(data: bytes) -> None:
    formats: tuple[FileFormat, ...] = ("csv", "json")
    for file_format in formats:
        with suppress(DeclarationFileError):
            judged(read(data, file_format))


@given(st.lists(st.lists(st.text(), max_size=8), max_size=5))
def test_any_well_formed_csv_is_entries_or_one_clear_error(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([list(REQUIRED), *rows])
    with suppress(DeclarationFileError):
        judged(read(out.getvalue().encode("utf-8", "replace")))


def judged(entries: list[Entry]) -> None:
    assert all(isinstance(each, Declaration) or each for _, each in entries)
