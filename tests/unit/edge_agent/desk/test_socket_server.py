"""The desk's socket and spool: whole acts in, answers out, whatever the peer does."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.desk.socket_server import MOST_AT_ONCE, DeskSocket
from edge_agent.desk.spool import ActSpool
from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import MOST_ANSWER_BYTES, SOCKET, SPOOL, Handed, HandedError, handed_bytes, read_frame
from edge_agent.status.acts.handing import HandingError, hand_over
from edge_agent.status.reading import Places


class Room:
    """A socket in a directory, and what came over it."""

    def __init__(self, directory: Path) -> None:
        self.where = Places(directory / "state", directory / "run")
        self.where.state_dir.mkdir()
        self.path = self.where.runtime_dir / SOCKET
        self.came: list[tuple[Handed, int]] = []
        self.server = self.another()

    def another(self) -> DeskSocket:
        return DeskSocket(self.path, self.answer, lambda problem: b"malformed: " + problem.encode())

    def answer(self, handed: Handed, uid: int) -> bytes:
        self.came.append((handed, uid))
        return b'{"outcome": "done", "en": "Recorded.", "zh": "-", "passage": null}'

    def connect(self) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(30)
        directory = os.open(self.path.parent, os.O_PATH)
        peer.connect(f"/proc/self/fd/{directory}/{SOCKET}")
        os.close(directory)
        return peer

    def heard(self, data: bytes) -> bytes:
        with self.connect() as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            with peer.makefile("rb") as file:
                return read_frame(lambda size: file.read(size) or b"", MOST_ANSWER_BYTES)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    directory = tmp_path / ("a directory whose name is longer than the path of a socket may be " * 2)
    directory.mkdir()
    room = Room(directory)
    room.server.start()
    yield room
    room.server.stop()


def test_an_act_is_handed_over_and_answered_and_who_handed_it_is_known(room: Room) -> None:
    handed = Handed(b"act", (b"photo" * 100_000, b"another"))
    assert hand_over(room.where, handed, "a1")["outcome"] == "done"
    assert room.came == [(handed, os.getuid())]
    assert not (room.where.state_dir / SPOOL).exists()


def test_others_than_user_and_group_may_not_connect(room: Room) -> None:
    assert stat.S_IMODE(room.path.stat().st_mode) == 0o660


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\xff\xff\xff\xff junk", b"\0\0\0\x05act"])
def test_bytes_that_are_no_act_are_answered_with_the_reason(room: Room, data: bytes) -> None:
    assert room.heard(data).startswith(b"malformed: ")
    assert room.came == []
    assert room.heard(handed_bytes(Handed(b"act"))).startswith(b'{"outcome": "done"')


def test_peers_that_say_nothing_do_not_keep_others_out_once_they_are_gone(room: Room) -> None:
    silent = [room.connect() for _ in range(MOST_AT_ONCE)]
    for each in silent:
        each.close()
    assert hand_over(room.where, Handed(b"act"), "a1")["outcome"] == "done"


def test_a_socket_that_a_killed_agent_left_is_replaced_and_one_that_is_none_is_left_alone(room: Room) -> None:
    again = room.another()
    again.start()
    try:
        assert room.heard(handed_bytes(Handed(b"act"))).startswith(b'{"outcome"')
    finally:
        again.stop()
    assert not room.path.exists()
    room.path.write_text("a file")
    with pytest.raises(EdgeAgentError, match="cannot be made"):
        room.another().start()
    assert room.path.read_text() == "a file"


def test_without_an_agent_the_act_waits_in_the_spool_whole(tmp_path: Path) -> None:
    room = Room(tmp_path)
    spool = ActSpool(room.where.state_dir / SPOOL)
    handed = Handed(b"act", (b"photo",))
    assert hand_over(room.where, handed, "a1")["outcome"] == "spooled"
    ((path, found),) = spool.waiting()
    assert (path.name, found) == ("a1.act", handed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    spool.taken(path)
    assert list(spool.waiting()) == []


def test_an_act_that_can_be_kept_nowhere_is_told_to_be_not_recorded(tmp_path: Path) -> None:
    room = Room(tmp_path)
    with pytest.raises(HandingError, match="NOT recorded") as told:
        hand_over(room.where, Handed(b"act"), "a1")
    assert "systemctl start edge-agent" in str(told.value)


def test_what_is_no_act_in_the_spool_is_told_and_put_aside_with_the_reason(tmp_path: Path) -> None:
    spool = ActSpool(tmp_path / SPOOL)
    (tmp_path / SPOOL / "b.act").write_bytes(b"junk")
    os.utime(tmp_path / SPOOL / "b.act", (1, time.time()))
    secret = tmp_path / "secret"
    secret.write_bytes(handed_bytes(Handed(b"act")))
    (tmp_path / SPOOL / "c.act").symlink_to(secret)
    (tmp_path / SPOOL / ".d.part").write_bytes(b"half")
    found = dict(spool.waiting())
    assert {path.name for path in found} == {"b.act", "c.act"}
    assert all(isinstance(each, HandedError) for each in found.values())
    for path in found:
        spool.refused(path, "it is no act")
    assert list(spool.waiting()) == []
    assert (tmp_path / SPOOL / "b.refused").read_bytes() == b"junk"
    assert (tmp_path / SPOOL / "b.txt").read_text() == "it is no act\n"


def test_the_spool_keeps_others_from_taking_acts_out(tmp_path: Path) -> None:
    ActSpool(tmp_path / SPOOL)
    assert stat.S_IMODE((tmp_path / SPOOL).stat().st_mode) == 0o1770
