"""`gate-collector replay --rule-book`: the program itself, as the rule book is put in before anything is imported."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gate_contract.rules
from collector.commands._other_book import rules_in
from collector.errors import CollectorError
from gate_contract.rules import RULE_BOOK_HASH
from tests.unit.collector.reconcile.island import NOON, SECOND, Island, a_declaration, a_passage

PROGRAM = Path(sys.executable).with_name("gate-collector")
SHIPPED = Path(gate_contract.rules.__file__).parent


@pytest.fixture
def judged(island: Island) -> Island:
    """One truck that is too heavy, judged."""
    island.declare(a_declaration("D-1"))
    island.receive(a_passage("P-1", kilograms="28000"))
    island.reconcile(NOON + 10 * SECOND)
    return island


def replay(island: Island, rule_book: Path, *more: str) -> subprocess.CompletedProcess[str]:
    where = ("--rule-book", str(rule_book), "--config", str(island.config_file))
    command = [str(PROGRAM), "replay", "--from", "1970-01-02", *where, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def copied(directory: Path, old: str = "", new: str = "") -> Path:
    """A copy of this release's rule book, as a release is laid out, in which one text of book.py is another."""
    rules = directory / "gate_contract" / "rules"
    shutil.copytree(SHIPPED, rules, ignore=shutil.ignore_patterns("__pycache__"))
    book = (rules / "book.py").read_text(encoding="utf-8")
    assert old in book
    (rules / "book.py").write_text(book.replace(old, new), encoding="utf-8")
    return directory


def test_a_rule_that_was_taken_out_is_missed(judged: Island, tmp_path: Path) -> None:
    lines = (SHIPPED / "book.py").read_text(encoding="utf-8").splitlines(keepends=True)
    [rule] = [each for each in lines if 'Rule("W01"' in each]
    done = replay(judged, copied(tmp_path / "proposed", rule), "--json")
    assert done.returncode == 3, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    [changed] = told["changed"]
    assert [each["code"] for each in changed["was"]["findings"]] == ["W01"]
    assert (changed["would_be"]["action"], changed["would_be"]["findings"]) == ("release", [])
    assert told["rule_book"] == changed["would_be"]["rule_book"] != RULE_BOOK_HASH == changed["was"]["rule_book"]


def test_the_same_rule_book_elsewhere_decides_the_same(judged: Island, tmp_path: Path) -> None:
    done = replay(judged, copied(tmp_path / "same"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"1 of them to the byte (rule book {RULE_BOOK_HASH[:12]})" in done.stdout


def test_a_directory_without_a_rule_book_is_told(tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match="has no rule book"):
        rules_in(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("def decide(", "def decide_otherwise(", "does not fit this release. ImportError"),
        ("action=strictest(", "action=laxest(", "failed. NameError: name 'laxest' is not defined ("),
    ],
)
def test_one_that_does_not_fit_or_fails_is_told(judged: Island, tmp_path: Path, old: str, new: str, why: str) -> None:
    done = replay(judged, copied(tmp_path / "other", old, new))
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr
