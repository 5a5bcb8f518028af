"""Build hook: a wheel carries the code generated from proto/."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GenerateContract(BuildHookInterface[Any]):
    """Generates gate_contract.v1 before the package is built or installed in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Run proto/generate.py."""
        runpy.run_path(str(Path(self.root) / "proto" / "generate.py"))["generate"]()
