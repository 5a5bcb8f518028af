"""What the units forbid, the programs do without: tried with the restrictions a process can put on itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RESTRICT = """
import ctypes, errno, sys
NO_NEW_PRIVS, MDWE, REFUSE_EXEC_GAIN = 38, 65, 1  # linux/prctl.h
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
if libc.prctl(MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    sys.exit("kernel")  # older than 6.3
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except OSError as error:
    assert error.errno == errno.EACCES, error
else:
    raise AssertionError("the restriction does not hold")
"""

AGENT = """
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_agent.app import agent
from edge_agent.clock import SystemClock
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import Signer
SystemClock()()
journal = Journal(Path(sys.argv[1], "journal"), Signer("test/agent/a/b", Ed25519PrivateKey.generate()))
journal.append([b"record"])
journal.close()
"""

COLLECTOR = """
from datetime import UTC, datetime
from pathlib import Path
from collector import app
from collector.keys import CollectorKeys
from collector.store.engine import open_store
CollectorKeys.load_or_create(Path(sys.argv[1]), "test.example", ["localhost"], datetime.now(UTC))
open_store(f"sqlite:///{sys.argv[1]}/collector.db").close()
"""


@pytest.mark.parametrize("program", [AGENT, COLLECTOR], ids=["agent", "collector"])
def test_a_program_needs_neither_privileges_nor_memory_that_is_writable_and_executable(
    program: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESTRICT + program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    if done.stderr.strip() == "kernel":
        pytest.skip("this kernel has no PR_SET_MDWE: that takes Linux 6.3")
    assert done.returncode == 0, done.stderr
