"""Where the agent uses time: with clocks that are wrong, that jump, and machines that slept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edge_agent.app.incidents import FLAPPING_S, MOST_IN_A_ROW, IncidentBook
from edge_agent.app.memory import recall, remember
from edge_agent.app.scale import GARBLED_EVERY_S, GarbledBuffer
from edge_agent.assemble.state import LaneState
from edge_agent.drivers.engine import Garbled
from edge_agent.enrol import explain_tls
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.passage import ClosedBy, OpenedBy, Passage
from edge_agent.uplink.progress import Progress

NOW_S = 1_795_348_800
YEARS = 10 * 365 * 86_400
BOOT = b"b" * 16
WALLS: list[Callable[[float], float]] = [
    lambda _: 0.0,
    lambda seconds: NOW_S + seconds - YEARS,
    lambda seconds: NOW_S + seconds + YEARS,
    lambda seconds: NOW_S - 10 * seconds,
]
"""What a wall clock may say while the monotonic one goes on: 1970 and no further, ten years off, backwards."""


def at(seconds: float, wall: Callable[[float], float] = lambda seconds: NOW_S + seconds, boot: bytes = BOOT) -> Moment:
    return Moment(WallNs(round(wall(seconds) * SECOND)), MonoNs(round(seconds * SECOND)), boot, synchronised=False)


@pytest.mark.parametrize("wall", WALLS)
def test_within_a_boot_only_the_monotonic_clock_counts(wall: Callable[[float], float]) -> None:
    assert at(100, wall).seconds_since(at(40)) == 60
    assert at(100).seconds_since(at(40, wall)) == 60


def test_across_boots_a_clock_that_begins_in_1970_makes_nothing_young() -> None:
    before = at(9000)
    assert at(75, lambda _: 0.0, b"c" * 16).seconds_since(before) == 75, "as long as this boot lasts, at least"
    assert at(5, lambda _: NOW_S + 9600.0, b"c" * 16).seconds_since(before) == 600


@pytest.mark.parametrize("wall", WALLS)
def test_incidents_flap_and_settle_by_the_monotonic_clock(wall: Callable[[float], float]) -> None:
    book = IncidentBook()
    for number in range(MOST_IN_A_ROW + 1):
        book.began("scale-1", "device-unplugged", "no port", at(number, wall))
        book.ended("scale-1", at(number + 0.5, wall))
    last = MOST_IN_A_ROW
    assert book.settled(lambda _: True, at(last + FLAPPING_S - 1, wall)) == []
    assert [each.code for each in book.settled(lambda _: True, at(last + FLAPPING_S, wall))] == ["flapping"]


@pytest.mark.parametrize("wall", WALLS)
def test_garbled_bytes_are_told_of_by_the_monotonic_clock(wall: Callable[[float], float]) -> None:
    buffer = GarbledBuffer()
    buffer.add(Garbled(0, b"x", "no frame"), at(1))
    assert buffer.due(at(1 + GARBLED_EVERY_S - 0.1, wall)) is None
    assert buffer.due(at(1 + GARBLED_EVERY_S, wall)) is not None


@pytest.mark.parametrize("wall", WALLS)
def test_a_backlog_stands_still_by_the_monotonic_clock(wall: Callable[[float], float]) -> None:
    progress = Progress(0, at(0))
    progress.receipt(5, at(10))
    for second in range(11, 41):
        state = progress.state(9, 0, at(second, wall))
    assert state.stalled_s == 30


def test_a_passage_that_is_remembered_keeps_both_its_times() -> None:
    wild = at(7, lambda _: -5.0)
    passage = Passage("P1", 0, "L1", None, wild, wild, OpenedBy.WEIGHT, ClosedBy.COMPLETE, (), (), ())
    again = recall(remember(LaneState(passage=passage, on_scale=True, seen=at(8, WALLS[2]))))
    assert again is not None
    assert again.passage is not None
    assert (again.passage.opened, again.seen) == (wild, at(8, WALLS[2]))


# --- certificates ---------------------------------------------------------------------------------------------------

MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)
REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.5:7443: Tls handshake failed "
    "(TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: "
)


@pytest.fixture(scope="module")
def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate-1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(MADE)
        .not_valid_after(MADE + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def test_a_machine_in_1970_is_told_what_its_clock_says(certificate: bytes) -> None:
    said = explain_tls(
        f"{REFUSED}certificate is not yet valid", certificate, certificate, datetime(1970, 1, 1, tzinfo=UTC)
    )
    assert "not valid yet by this machine's clock, which says 1970-01-01 00:00 UTC. Set the clock" in said


def test_a_machine_in_2036_is_told_what_its_clock_says(certificate: bytes) -> None:
    said = explain_tls(
        f"{REFUSED}certificate has expired", certificate, certificate, datetime(2036, 11, 22, tzinfo=UTC)
    )
    assert "expired by this machine's clock, which says 2036-11-22" in said


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "its clock is before. Set the clock"),
        (datetime(2038, 1, 20, tzinfo=UTC), "this machine's certificate expired on 2027-02-20"),
    ],
)
def test_a_connection_that_is_closed_because_of_the_own_certificate_is_explained(
    certificate: bytes, now: datetime, words: str
) -> None:
    closed = "failed to connect to all addresses; last error: UNAVAILABLE: ipv4:10.0.0.5:7443: Socket closed"
    assert words in explain_tls(closed, certificate, certificate, now)


# --- every place is known -------------------------------------------------------------------------------------------

REPOSITORY = Path(__file__).parents[3]
WALL = ("time.time(", "time.time_ns", "datetime.now(", "date.today(", ".now(UTC)")


@pytest.mark.parametrize("program", ["edge_agent", "collector"])
def test_every_place_that_asks_for_the_wall_clock_is_in_the_manual(program: str) -> None:
    manual = (REPOSITORY / "docs" / "clocks.md").read_text("utf-8")
    asking = {
        path.relative_to(REPOSITORY).as_posix()
        for path in REPOSITORY.glob(f"{program}/**/*.py")
        if any(mark in path.read_text("utf-8") for mark in WALL) and "simulate" not in path.parts
    }
    told = [name for name in asking if f"`{name}`" not in manual]
    folders = [name for name in told if not any(f"`{folder}/`" in manual for folder in _folders(name))]
    assert folders == []


def _folders(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:length]) for length in range(2, len(parts) + 1)]
