"""The status file: written whole by the agent, read by anyone. Standard library only, so that reading it is quick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FORMAT = 1
NAME = "status.json"


def write_snapshot(runtime_dir: Path, snapshot: dict[str, Any]) -> None:
    """Replace the file at once: a reader sees the old or the new one, never a part. OSError when it cannot."""
    temporary = runtime_dir / f"{NAME}.part"
    temporary.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
    temporary.rename(runtime_dir / NAME)


def read_snapshot(runtime_dir: Path) -> dict[str, Any] | None:
    """The last snapshot; None when there is none or it cannot be read as one."""
    try:
        snapshot = json.loads((runtime_dir / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return snapshot if isinstance(snapshot, dict) and snapshot.get("format") == FORMAT else None
