"""A whole day's face checks at a real gate with a real collector: everything that leaves is captured and searched.

What is looked for is every traveller's picture, template and document number, in the forms in which they could leave.
The same search finds the picture as soon as the lane's policy keeps one, so it would find a leak.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_agent.clock import SystemClock
from edge_agent.model.moment import SECOND, WallNs
from edge_agent.simulate import programs
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, running
from edge_agent.vision.faces.gallery import Gallery, Recognised
from edge_agent.vision.faces.gallery_store import GalleryStore
from edge_agent.vision.faces.lifetime import HOUR, Lifetime
from edge_agent.vision.faces.sailing import SailingKey
from tests.journeys import played_faces

COLLECTOR_FILE = """\
deployment = "test.example"
state_dir = "collector"
listen = "127.0.0.1:{}"
enrol_listen = "127.0.0.1:{}"
hostnames = ["127.0.0.1"]
"""

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[metrics]
listen = "127.0.0.1:{metrics}"

[[video]]
id = "door"
source = "door.avi"
reads = ["face"]
paced = false
keep_face_picture = {keep}

[[video]]
id = "desk"
source = "desk.png"
reads = ["face"]
portraits = "portraits"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
"""

PER_S = 4
TRAVELLERS = range(1, 11)
STRANGERS = (11, 12)
DAY = (*TRAVELLERS, *STRANGERS, played_faces.BLURRED, played_faces.STUMBLES, 3)
CHECKS = len(DAY)
"""Each who came is one record, she at whose pictures the library failed too: she was looked at and then left."""

AT_THE_DESK = 13
RESERVE = "reserve"
"""A file of zeros that keeps room on the disk."""

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("faces")]

Picture = npt.NDArray[np.uint8]


def wait_until(what: str, true: Callable[[], bool]) -> None:
    """Ask until it is true; a busy machine takes its time."""
    programs.wait_until(what, true, 120.0)


def number_of(person: int) -> str:
    """Of a traveller's document."""
    return f"CHN E8812{person:04d}"


def picture_of(person: int, moment: int = 0) -> Picture:
    """Noise in soft spots, another at every moment, and the corner that says who it is."""
    spots = np.random.default_rng([person, moment]).integers(0, 255, (15, 20, 3), np.uint8)
    image = np.asarray(cv2.resize(spots, (160, 120), interpolation=cv2.INTER_CUBIC), np.uint8)
    image[:16, :16] = person * played_faces.STEP
    return image


def write_video(path: Path, people: tuple[int, ...]) -> None:
    """One after the other, each until the check must be over, with four seconds of nobody between."""
    seconds = {played_faces.BLURRED: 32, played_faces.STUMBLES: 4} | dict.fromkeys(STRANGERS, 10)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), PER_S, (160, 120))
    for person in people:
        for moment in range(PER_S * seconds.get(person, 3)):
            video.write(picture_of(person, moment))
        for _ in range(4 * PER_S):
            video.write(picture_of(0))
    video.release()


def frames_of(path: Path) -> Iterator[Picture]:
    """As the gate decodes them."""
    video = cv2.VideoCapture(str(path))
    while (read := video.read())[0]:
        yield np.asarray(read[1], np.uint8)
    video.release()


def gallery_of(sailing: str, people: tuple[int, ...] | range, departs_in_s: float) -> Gallery:
    now = SystemClock()()
    life = Lifetime.beginning(WallNs(now.wall + round(departs_in_s * SECOND)), now)
    recogniser = Recognised(played_faces.MODEL, played_faces.MODEL_SHA256)
    made = Gallery(sailing, SailingKey.generate(), recogniser, life)
    for person in people:
        made.add(number_of(person), played_faces.template_of(person))
    return made


# --- what is looked for ----------------------------------------------------------------------------------------------


def forms(data: bytes) -> Iterator[bytes]:
    """Bytes as they are, as hexadecimal digits, and as base64 wherever they begin in it."""
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data)
        yield coded[4 : len(coded) // 4 * 4 - 4]


def traces_of_templates() -> Iterator[tuple[str, bytes]]:
    """Six numbers on end of each template as float32 and float64, and single ones as they are printed."""
    for person in range(1, 16):
        template = played_faces.template_of(person)
        for kind in ("<f4", ">f4", "<f8"):
            for start in (0, 61, 122):
                part = template[start : start + 6].astype(kind).tobytes()
                yield from ((f"template of {person}", form) for form in forms(part))
        for value in template[:8]:
            yield f"number of the template of {person}", f"{abs(float(value)):.7f}".encode()


def traces_of_pictures(videos: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Beginnings of picture files, and pixels of every fourth frame with somebody in it."""
    for name, start in (
        ("JPEG", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("PNG", b"\x89PNG\r\n\x1a\n"),
        ("WebP", b"WEBPVP8"),
    ):
        yield from ((f"{name} file", form) for form in (start, start.hex().encode(), base64.b64encode(start)[:10]))
    shown = [frame for video in videos for frame in frames_of(video) if played_faces.person_in(frame)]
    for frame in [*shown[::4], picture_of(AT_THE_DESK)]:
        yield from (("pixels", form) for form in forms(frame[70, 60:76].tobytes()))


def traces_of_names() -> Iterator[tuple[str, bytes]]:
    for person in range(1, 16):
        yield "document number", number_of(person).encode()
        yield "document number", number_of(person).split()[1].encode()


def found_in(places: dict[str, bytes], traces: list[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """Which kind of trace is where."""
    return {(what, place) for place, data in places.items() for what, trace in traces if trace in data}


# --- the gate --------------------------------------------------------------------------------------------------------


class Gate:
    """An enrolled gate machine whose uplink is tapped."""

    def __init__(self, directory: Path) -> None:
        uplink, enrolment, self._http, self._metrics = free_ports(4)
        self.directory, self.site_file, self.tap = directory, directory / "site.toml", directory / "tap"
        config = directory / "collector.toml"
        config.write_text(COLLECTOR_FILE.format(uplink, enrolment))
        self.configure(keep=False)
        cv2.imwrite(str(directory / "desk.png"), picture_of(0))
        self.collector = Program(directory / "collector.log", "gate-collector", "serve", "--config", config)
        self.agent = Program(
            directory / "agent.log", "python", played_faces.__file__, self.tap, "run", "--config", self.site_file,
            "--verbose",
        )  # fmt: skip
        self.collector.start_until("serving ")
        run_command("gate-collector", "agents", "invite", "gate-1", "--site", "xiuying", "--config", config,
                    "-o", directory / "invitation.json")  # fmt: skip
        run_command("edge-agent", "enrol", "--invite", directory / "invitation.json", "--config", self.site_file)
        self.store = GalleryStore(directory / "state" / "galleries")

    def configure(self, *, keep: bool) -> None:
        text = SITE_FILE.format(metrics=self._metrics, http=self._http, keep=str(keep).lower())
        self.site_file.write_text(text)

    def start(self) -> None:
        self.agent.start()
        wait_until("the agent runs", lambda: self.status()["agent"]["pid"] == self.agent.pid is not None)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return status

    def tail(self) -> str:
        return run_command("gatectl", "--config", self.site_file, "tail", "-n", "1000", "--json").stdout

    def checks(self, device: str) -> list[dict[str, Any]]:
        records = [json.loads(line)["record"] for line in self.tail().splitlines()]
        readings = [record["reading"] for record in records if "reading" in record]
        return [each["face"] for each in readings if each["device_id"] == device and "face" in each]

    def drain(self) -> None:
        """Everything that is to leave has left."""
        wait_until("all records are at the collector", lambda: self.status()["journal"]["pending"] == 0)

    def what_left(self) -> dict[str, bytes]:
        """The uplink's bytes, the collector's files, logs, status, metrics, and what lies on this machine's disk."""
        url = f"http://127.0.0.1:{self._metrics}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            places = {"metrics": answer.read()}
        places["status"], places["tail"] = json.dumps(self.status(), ensure_ascii=False).encode(), self.tail().encode()
        for path in (self.tap, self.directory / "agent.log", self.directory / "collector.log"):
            places[path.name] = path.read_bytes()
        for name in ("state", "run", "collector", "portraits"):
            for path in (self.directory / name).rglob("*"):
                if path.is_file() and path.name != RESERVE:
                    places[str(path.relative_to(self.directory))] = path.read_bytes()
        return places

    def evidence(self, whose: str) -> list[Path]:
        """Files that the gate ("state") or the collector ("collector") keeps as evidence."""
        return [path for path in (self.directory / whose / "evidence").rglob("*") if path.is_file()]

    def at_the_desk(self) -> None:
        """A document is laid down and its holder looks into the camera, until the two were compared."""
        laid = moment = 0
        portrait = bytes(cv2.imencode(".png", picture_of(AT_THE_DESK))[1].tobytes())

        def compared() -> bool:
            nonlocal laid, moment
            done = self.checks("desk")
            if any(each["outcome"] == "matched" for each in done):
                return True
            if len(done) == laid:  # the first time, and whenever the machine was too slow and the check was given up
                self._place("portraits/" + number_of(AT_THE_DESK), portrait)
                laid += 1
            moment += 1
            self._place("desk", bytes(cv2.imencode(".png", picture_of(AT_THE_DESK, moment))[1].tobytes()))
            return False

        wait_until("the desk waits for a document", (self.directory / "portraits").is_dir)
        wait_until("face and document were compared", compared)

    def _place(self, name: str, data: bytes) -> None:
        path = self.directory / f"{name}.png"
        path.with_name(f".{path.name}").write_bytes(data)
        path.with_name(f".{path.name}").rename(path)


def test_no_picture_template_or_name_leaves_in_a_day_of_checks_unless_the_lane_keeps_pictures(tmp_path: Path) -> None:
    door = tmp_path / "door.avi"
    write_video(door, DAY)
    names, templates = list(traces_of_names()), list(traces_of_templates())
    gate = Gate(tmp_path)
    with running(gate.collector, gate.agent):
        gate.store.keep(gallery_of("HK-1", TRAVELLERS, departs_in_s=600))
        gate.start()
        wait_until("the day is over", lambda: len(gate.checks("door")) >= CHECKS)
        gate.at_the_desk()
        gate.drain()

        checks = gate.checks("door")
        assert len(checks) == CHECKS
        assert [each["outcome"] for each in checks].count("matched") == len(TRAVELLERS) + 1
        assert {each["compared"] for each in checks} == {"1:N"}
        assert {each["compared"] for each in gate.checks("desk")} == {"1:1"}
        assert {each["liveness"] for each in checks} == {"not checked"}
        assert {each["calibration_id"] for each in checks} == {"none"}
        named = [each["pseudonym"] for each in checks if each["outcome"] == "matched"]
        assert len(set(named)) == len(TRAVELLERS)  # one came twice
        assert "the network stumbled" in (tmp_path / "agent.log").read_text()

        left = gate.what_left()
        assert len(left["tap"]) > 1000
        assert named[0].encode() in left["tap"]  # the tap holds what goes up
        traces = [*names, *templates, *traces_of_pictures([door])]
        assert found_in(left, traces) == set()
        assert gate.evidence("state") == gate.evidence("collector") == []
        assert not list((tmp_path / "portraits").iterdir())

        # the same search, where the lane's policy keeps pictures
        gate.agent.stop()
        gate.configure(keep=True)
        write_video(door, (2,))
        gate.start()
        wait_until("one more was checked", lambda: len(gate.checks("door")) > CHECKS)
        wait_until("the picture is at the collector", lambda: bool(gate.evidence("collector")))
        found = found_in(gate.what_left(), [*names, *templates, *traces_of_pictures([])])
        assert ("JPEG file", "tap") in found
        assert {what for what, _ in found} == {"JPEG file"}  # and still no template and no name
        assert [each["role"] for each in gate.checks("door")[-1]["pictures"]] == ["face"]

        # an hour after departure the agent destroys a gallery by itself
        gate.store.keep(gallery_of("HK-0", (1, 2), departs_in_s=2 - HOUR / SECOND))
        wait_until("it is gone", lambda: [each.sailing for each in gate.store.sailings()] == ["HK-1"])
        assert len(list((tmp_path / "state" / "galleries").iterdir())) == 2  # HK-1's, and its key
