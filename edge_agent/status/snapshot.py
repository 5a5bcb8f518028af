"""The status file: written whole by the agent, read by anyone. Standard library only, so that reading it is quick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_agent.errors import EdgeAgentError

FORMAT = 2
NAME = "status.json"


class SnapshotError(EdgeAgentError):
    """There is a status file, and it cannot be used."""


def write_snapshot(runtime_dir: Path, snapshot: dict[str, Any]) -> None:
    """Replace the file at once: a reader sees the old or the new one, never a part. OSError when it cannot."""
    temporary = runtime_dir / f"{NAME}.part"
    temporary.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
    temporary.rename(runtime_dir / NAME)


def read_snapshot(runtime_dir: Path) -> dict[str, Any] | None:
    """The last snapshot; None when there is none. SnapshotError when it is there and this user or release cannot."""
    path = runtime_dir / NAME
    what = f"the status file {path} cannot be read"
    try:
        snapshot = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SnapshotError(what, cause=error.strerror or str(error)) from error
    except ValueError as error:
        raise SnapshotError(what, cause=f"it is not JSON: {error}") from error
    if not isinstance(snapshot, dict) or snapshot.get("format") != FORMAT:
        raise SnapshotError(what, cause="another release of the agent wrote it")
    return snapshot
