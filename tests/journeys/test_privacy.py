"""What is personal goes through real programs and comes out nowhere: no file, no log, and after forgetting no key."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.privacy.keystore import FILE, KeyStore
from collector.privacy.retention import this_instant
from collector.privacy.steady_clock import DAY, Steadiness
from edge_agent.simulate.programs import ask, run_command, running, wait_until
from gate_contract.personal import Person, open_field, sealing_key
from gate_contract.travel_documents import check_digit
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.reading_pb2 import DocumentSeen
from gate_contract.v1.record_pb2 import Record
from tests.journeys.world import World, plan_of

pytestmark = pytest.mark.timeout(180)

SURNAME, GIVEN, NUMBER = "QUATERMAIN", "ZEBEDEE", "XQ7530914"
SAILING = "S-PRIVATE"
WHO = ("--as", "officer-7", "--reason", "asked for by the person")


def zone() -> bytes:
    """A passport that nobody has, as a reader sends it; and the first line of one that was pulled away."""
    first = f"P<UTO{SURNAME}<<{GIVEN}".ljust(44, "<")
    parts = [text + check_digit(text) for text in (NUMBER, "740812", "310415", "<" * 14)]
    second = f"{parts[0]}UTO{parts[1]}M{parts[2]}{parts[3]}"
    second += check_digit(second[:10] + second[13:20] + second[21:43])
    return f"{first}\r\n{second}\r\n{first}\r\n".encode()


@contextmanager
def document_reader() -> Iterator[tuple[int, threading.Event]]:
    """A reader behind a converter: a port, and what makes it read a document."""
    laid_down, over = threading.Event(), threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                while not over.wait(0.05):
                    if laid_down.is_set():
                        laid_down.clear()
                        connection.sendall(zone())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], laid_down
        finally:
            over.set()
            thread.join()


@pytest.fixture
def laid_down(tmp_path: Path, world: World) -> Iterator[threading.Event]:
    """The gate with a document reader, and a manifest with the document; set it to lay the document down."""
    departure = datetime.now(UTC) + timedelta(hours=1)
    sailings, travellers = tmp_path / "sailings.csv", tmp_path / "manifest.csv"
    sailings.write_text(f"sailing_id,site_id,departure\n{SAILING},haikou,{departure.isoformat()}\n", encoding="utf-8")
    travellers.write_text(
        "ticket_id,document_issuer,document_number,document_kind,name,birth\n"
        f"T-1,UTO,{NUMBER},passport,{SURNAME} {GIVEN},1974-08-12\n",
        encoding="utf-8",
    )
    with document_reader() as (port, event):
        with world.gate.site_file.open("a", encoding="utf-8") as site:
            site.write(
                '\n[[device]]\nid = "reader-1"\nprofile = "document/mrz-lines"\n'
                f'port = "socket://127.0.0.1:{port}"\nlane = "in-1"\n'
            )
        with running(world.collector, world.gate.agent):
            world.start()
            run_command("gate-collector", "sailings", "import", sailings, "--config", world.config)
            run_command(
                "gate-collector", "manifests", "import", travellers, "--sailing", SAILING, "--config", world.config
            )
            sailings.unlink()
            travellers.unlink()
            wait_until("the gate has the sailing's key", lambda: _sailing_keys(world) == 1)
            yield event


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "world").mkdir()
    return World(tmp_path / "world", plan_of(1))


def test_a_document_is_recognised_and_forgotten_and_no_log_names_anybody(
    world: World, laid_down: threading.Event
) -> None:
    laid_down.set()
    with world.traffic() as lane:
        assert lane.wait(60)
    wait_until("the document was read", lambda: _reader_said(world) == "TD3 of UTO")
    world.settle()

    state = world.directory / "collector"
    with KeyStore(state / FILE) as keys:
        key_id, key = keys.sailing_key(SAILING) or ("", b"")
        subject = keys.find_subject("UTO", NUMBER) or ""
        subject_key = keys.key(subject) or b""
    seen = [each for each in _documents(world) if each.key_id == key_id]
    assert seen
    opened = Person.from_bytes(open_field(sealing_key(key), key_id, seen[0].sealed))
    assert opened == Person(f"{SURNAME} {GIVEN}", "UTO", NUMBER, "740812")
    shown = ask("gate-collector", "subjects", "show", "T-1", *WHO, "--config", world.config)
    assert shown[0]["person"]["number"] == NUMBER
    (passage,) = ask("gate-collector", "passages", "--config", world.config)
    by_passage = ("gate-collector", "subjects", "show", passage["passage_id"], *WHO, "--config", world.config)
    assert [each["person"]["number"] for each in ask(*by_passage)] == [NUMBER]

    run_command(
        "gate-collector", "forget", "--document", "UTO", NUMBER, *WHO, "--with-sailings", "--config", world.config
    )
    wait_until("the gate destroyed its copy of the key", lambda: _sailing_keys(world) == 0)
    run_command("gate-collector", "audit", "--config", world.config)
    assert [each["problem"] for each in ask(*by_passage)] == ["its key was destroyed"]
    exported = json.dumps(
        [ask("gate-collector", what, "--config", world.config) for what in ("passages", "findings", "alarms")]
    )

    everything = {
        str(each.relative_to(world.directory)): each.read_bytes()
        for each in world.directory.rglob("*")
        if each.is_file() and not each.is_symlink()
    } | {"the export": exported.encode()}
    texts = [text.encode(form) for text in (SURNAME, GIVEN, NUMBER) for form in ("utf-8", "utf-16-le", "utf-16-be")]
    found = [(name, gone) for name, data in everything.items() for gone in (*texts, key, subject_key) if gone in data]
    assert found == []

    (plate,) = {vehicle.plate for vehicle in world.plan.vehicles}
    assert any(plate.encode() in data for data in everything.values()), "or nothing would be found anywhere"
    logs = {name: data for name, data in everything.items() if name.endswith(".log")}
    assert len(logs) == 2
    assert all(logs.values())
    for name, data in logs.items():
        for text in (plate, json.dumps(plate).strip('"'), key.hex(), subject_key.hex()):
            assert text.encode() not in data, name


def test_a_serving_collector_destroys_what_is_due_by_a_clock_that_it_has_watched_for_long(world: World) -> None:
    run_command("gate-collector", "keys", "--config", world.config)
    with KeyStore(world.directory / "collector" / FILE) as keys:
        now = this_instant()
        over, lasting = keys.make("sailing", "S-OVER", now.wall_ns - 1), keys.make("sailing", "S-1", now.wall_ns + DAY)
        keys.set_clock(Steadiness(now, DAY, DAY))
        with running(world.collector):
            world.start_collector()
            wait_until("the key is gone", lambda: keys.key(over) is None and not keys.owed())
        assert keys.key(lasting) is not None
    run_command("gate-collector", "audit", "--config", world.config)


def _sailing_keys(world: World) -> int:
    snapshot = world.gate.snapshot()
    return -1 if snapshot is None else int(snapshot["reference"]["sailing_keys"])


def _reader_said(world: World) -> str:
    snapshot = world.gate.snapshot()
    found = [] if snapshot is None else [each for each in snapshot["devices"] if each["id"] == "reader-1"]
    return str(found[0]["last_reading"]) if found else ""


def _documents(world: World) -> list[DocumentSeen]:
    """What the collector holds of documents, in whatever record they came."""
    with closing(sqlite3.connect(world.directory / "collector" / "collector.db")) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM batches")]
    records = [Record.FromString(record) for body in bodies for record in Batch.FromString(body).records]
    readings = [record.reading for record in records]
    readings += [reading for record in records for reading in record.passage.readings]
    return [reading.document for reading in readings if reading.WhichOneof("body") == "document"]
