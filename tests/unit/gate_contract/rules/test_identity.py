from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gate_contract.rules
from gate_contract.rules import RULE_BOOK_HASH
from gate_contract.rules.identity import BESIDE, hash_of, source_files

PACKAGE = Path(gate_contract.rules.__file__).parent


def test_the_hash_covers_every_source_file_and_only_those() -> None:
    rules = {path.name: path.read_bytes() for path in PACKAGE.glob("*.py")}
    beside = {f"../{name}": (PACKAGE.parent / name).read_bytes() for name in BESIDE}
    assert source_files() == rules | beside
    assert hash_of(source_files()) == RULE_BOOK_HASH
    assert len(RULE_BOOK_HASH) == 64


def test_the_hash_does_not_depend_on_order_or_line_ends() -> None:
    files = {"b.py": b"one\ntwo\n", "a.py": b"x\n"}
    assert hash_of(files) == hash_of({"a.py": b"x\r\n", "b.py": b"one\r\ntwo\r\n"})


def test_the_hash_changes_with_any_byte_any_name_and_any_boundary() -> None:
    hashes = {
        hash_of(files)
        for files in (
            {"a.py": b"x", "b.py": b"y"},
            {"a.py": b"x", "b.py": b"z"},
            {"a.py": b"x", "c.py": b"y"},
            {"a.py": b"xb.py", "": b"y"},
            {"a.py": b"x"},
        )
    }
    assert len(hashes) == 5


def test_a_rule_book_without_its_source_refuses_to_name_itself() -> None:
    with pytest.raises(ValueError, match="without its source"):
        hash_of({})


def test_the_hash_is_the_same_in_another_place_with_other_line_ends(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "gate_contract"
    shutil.copytree(PACKAGE.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy / "rules").glob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    program = "import gate_contract.rules as rules; print(rules.__file__, rules.RULE_BOOK_HASH)"
    there = {"PYTHONPATH": str(copy.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=there,
        cwd=tmp_path,
    )
    assert done.stdout.split() == [str(copy / "rules" / "__init__.py"), RULE_BOOK_HASH]


def test_what_the_rules_use_of_the_contract_is_in_the_hash() -> None:
    used = re.compile(r"^from gate_contract(?:\.(\w+) import| import (\w+))", re.MULTILINE)
    names = {one or two for path in PACKAGE.glob("*.py") for one, two in used.findall(path.read_text("utf-8"))}
    assert {f"{name}.py" for name in names - {"rules", "v1"}} == set(BESIDE)
