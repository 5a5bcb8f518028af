"""Who is named in the ledger for what is entered by hand."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from collector.commands import _who

OURSELVES = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("login", "officer_id", "named"),
    [
        (None, "", f"user {OURSELVES}"),
        ("4294967295", "C-17", f"user {OURSELVES}, officer C-17"),
        (str(os.getuid()), "", f"user {OURSELVES}"),
        ("987654321", "C-17", f"user {OURSELVES}, logged in as id 987654321, officer C-17"),
    ],
)
def test_the_user_who_runs_it_the_one_who_logged_in_and_the_officer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str | None, officer_id: str, named: str
) -> None:
    file = tmp_path / "loginuid"
    if login is not None:
        file.write_text(login)
    monkeypatch.setattr(_who, "LOGIN_UID", file)
    assert _who.who(officer_id) == named
