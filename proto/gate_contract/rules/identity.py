"""Which rule book this is: a hash over its own source, the same wherever and however it is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final

BESIDE: Final = ("iso6346.py", "orders.py")
"""Modules of `gate_contract` that rules depend on."""


def source_files() -> dict[str, bytes]:
    """This package's Python files by name, and what else of the contract its rules calculate with.

    The policy has a hash of its own and is not among them.
    """
    package = resources.files("gate_contract.rules")
    files = {entry.name: entry.read_bytes() for entry in package.iterdir() if entry.name.endswith(".py")}
    return files | {f"../{name}": resources.files("gate_contract").joinpath(name).read_bytes() for name in BESIDE}


def hash_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over names and contents in order of the names, line ends as LF.

    Each name and content is preceded by its length, so that no two sets of files run into one another.

    Raises:
        ValueError: there are no files: a rule book without its source cannot say which one it is.
    """
    if not files:
        raise ValueError("the rule book was installed without its source; install it with its .py files")
    digest = hashlib.sha256()
    for name in sorted(files):
        content = files[name].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


RULE_BOOK_HASH = hash_of(source_files())
