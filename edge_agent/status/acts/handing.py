"""Handing an act to the agent: over its socket, or into its spool when it does not answer. Imports almost nothing."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import (
    ACT_SUFFIX,
    MOST_ANSWER_BYTES,
    SOCKET,
    SPOOL,
    Handed,
    HandedError,
    handed_bytes,
    read_frame,
)
from edge_agent.status.reading import Places

ANSWER_S = 30.0
"""Longer than the agent takes to say that it cannot."""

SPOOLED = "spooled"

CLOSED = (
    "use an account of the group tidegate-edge, or start the agent: systemctl start edge-agent. Until then write it "
    "down on paper"
)
FULL = "make room on its disk, see: gatectl status. Until then write it down on paper, and open by hand who may go"
"""What to do when the spool takes nothing."""


class HandingError(EdgeAgentError):
    """An act reached neither the agent nor its spool: it is not recorded."""


def hand_over(where: Places, handed: Handed, act_id: str) -> dict[str, Any]:
    """The agent's answer; `outcome` is SPOOLED when the act waits for the agent. HandingError when it is nowhere."""
    data = handed_bytes(handed)
    try:
        answer = _ask(where.runtime_dir, data)
    except (OSError, HandedError, ValueError) as error:
        problem = str(error)
    else:
        if answer["outcome"] != "later":
            return answer
        problem = answer["en"]
    _put(where.state_dir / SPOOL, data, act_id, problem)
    return {
        "outcome": SPOOLED,
        "en": "The agent does not answer. The act is kept and signed; it counts as soon as the agent runs.",
        "zh": "采集程序无响应。操作已签名并保存，采集程序运行后自动生效。",
        "passage": None,
    }


def _ask(runtime_dir: Path, data: bytes) -> dict[str, Any]:
    # Through the directory's descriptor: a path of a socket may have 107 bytes at most (unix(7)).
    directory = os.open(runtime_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(ANSWER_S)
            peer.connect(f"/proc/self/fd/{directory}/{SOCKET}")
            with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer says why
                peer.sendall(data)
            with peer.makefile("rb") as file:
                answer = json.loads(read_frame(lambda size: file.read(size) or b"", MOST_ANSWER_BYTES))
    finally:
        os.close(directory)
    if not isinstance(answer, dict) or not {"outcome", "en", "zh"} <= answer.keys():
        raise ValueError("the agent's answer cannot be read")
    return answer


def _put(spool: Path, data: bytes, act_id: str, problem: str) -> None:
    """Durably, under its own name; whoever takes it sees all of it or nothing."""
    part = spool / f".{act_id}.part"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            with suppress(PermissionError):  # the agent reads it as a member of the directory's group
                os.fchown(descriptor, -1, spool.stat().st_gid)
            os.fchmod(descriptor, 0o640)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        part.rename(spool / f"{act_id}{ACT_SUFFIX}")
        directory = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise HandingError(
            "the act is NOT recorded",
            cause=f"the agent does not answer ({problem}), and {spool} takes nothing ({error.strerror or error})",
            fix=FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else CLOSED,
        ) from error
