"""What no log may say in full is covered; what a log must say stays."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest

from gate_contract.masking import covered, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("琼A12345", "琼A•••45"),
        ("seen 粤B·D12345, twice", "seen 粤B•••••45, twice"),
        ("琼A1234挂", "琼A•••4挂"),
        ("粤Z1234港", "粤Z•••4港"),
        ('{"plate": "琼AD12345"}', '{"plate": "琼A••••45"}'),
        ("plate=琼A12345 lane=1", "plate=琼A•••45 lane=1"),
        ("WJ京12345 and 使014578", "WJ••••45 and 使0•••78"),
        ("11010519491231002X", "11••••••••••••••2X"),
        ("document E12345678 refused", "document E1•••••78 refused"),
        ("permit H1234567.", "permit H1••••67."),
        ("b'L898902C36UTO7408122F1204159ZE184226B<<<<<10'", "b'(a machine-readable zone)'"),
        ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "(a machine-readable zone)"),
        ("PRIVATE+KEY+d.example/ledger+aa+AbC=\nnext", "(a private key)\nnext"),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\nnext", "(a private key)\nnext"),
        ("a cut -----BEGIN EC PRIVATE KEY-----\nMC4C", "a cut (a private key)"),
    ],
)
def test_it_is_covered(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "container MSCU6639871 on lane out-1",
        "passage P-20260301-000017 decided",
        sha256(b"x").hexdigest(),
        base64.b64encode(sha256(b"y").digest()).decode(),
        "at 1772337600123456789 ns",
        "2026-03-01T12:00:00.123456Z",
        "口岸 hainan.example/agent/gate-1/0a1b2c3d",
        "127.0.0.1:7443",
        "TD3 of UTO, wrong check digits: number, composite",
        "expected <class 'int'> and <bytes>",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert masked(text) == text


def test_what_is_too_short_to_keep_its_ends_is_covered_whole() -> None:
    assert [covered(each) for each in ("", "1234", "12345")] == ["", "••••", "12•45"]
