"""A video of a lane, read as the agent reads a camera: `python -m benchmarks.vision_video [--minutes 10]`.

The video is made first, from the shared pictures of mainland vehicles: one drives into the lane, stands, drives off,
then the lane is empty; the camera has noise. It is then read by the agent's own station (decoding, motion gate, plate
detector and reader, vote), every wanted picture, as fast as it goes. Printed are the plates that were right, and what
it cost: wall clock, processor seconds, and the same for each second of video. Models: $TIDEGATE_MODELS or the default.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.lane import Input
from edge_agent.app.vision import VideoParts, VideoStores, make_videos, models_of
from edge_agent.clock import SystemClock
from edge_agent.config import SiteFile
from edge_agent.model.readings import EvidenceRef, PlateSeen
from edge_agent.vision.exposure import measure
from edge_agent.vision.motion import MotionGate
from edge_agent.vision.plates.reader import PlateReader

SHARED = Path(__file__).resolve().parents[2] / "shared" / "plates"
WIDTH, HEIGHT, PER_S = 1280, 720, 15
PERIOD_S, IN_S, STAND_S, OUT_S = 20, 3, 6, 3
LOOKS_PER_S = 10.0
NOISE = 3

Image = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass
class Kept:
    """In place of journal and evidence store."""

    plates: list[PlateSeen] = field(default_factory=list)
    blobs: int = 0

    def evidence(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        """Counted."""
        self.blobs += len(data)
        return EvidenceRef(bytes(32), len(data), media_type, role)

    def plate(self, _device: str, item: Input) -> None:
        """Remembered."""
        if isinstance(item.reading, PlateSeen):
            self.plates.append(item.reading)


class _Evidence:
    def __init__(self, kept: Kept) -> None:
        self.keep = kept.evidence


class _Spool:
    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        """Taken."""
        return len(device_id) + len(event_id) + len(body)


def vehicles() -> list[tuple[str, Image]]:
    """Plate and picture of each mainland vehicle among the shared pictures, made to fit the lane."""
    with (SHARED / "ground_truth.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == "CN"]
    found = []
    for row in rows:
        image = cv2.imread(str(SHARED / row["file"]))
        if image is not None:
            scale = min(0.95 * HEIGHT / image.shape[0], 0.95 * WIDTH / image.shape[1])
            found.append((row["plate"], np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)))
    return found


def make_video(path: Path, minutes: float) -> list[str]:
    """Write it; the plates that went by, in order."""
    chance = np.random.default_rng(11)
    ground = np.asarray(cv2.resize(chance.integers(70, 150, (18, 32, 3), np.uint8), (WIDTH, HEIGHT)), np.uint8)
    noise = [chance.integers(0, 2 * NOISE + 1, ground.shape, np.uint8) for _ in range(7)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), PER_S, (WIDTH, HEIGHT))
    passing, seen = vehicles(), list[str]()
    for number in range(round(60 * minutes * PER_S)):
        second = number / PER_S
        turn = int(second // PERIOD_S)
        plate, vehicle = passing[turn % len(passing)]
        frame = ground.copy()
        if (left := place(second % PERIOD_S, vehicle.shape[1])) is not None:
            paste(frame, vehicle, left)
            if len(seen) == turn:
                seen.append(plate)
        writer.write(cv2.subtract(cv2.add(frame, noise[number % len(noise)]), np.full_like(frame, NOISE)))
    writer.release()
    return seen


def place(second: float, width: int) -> int | None:
    """Where the vehicle's left edge is, pixels; None while the lane is empty."""
    middle = (WIDTH - width) // 2
    if second < IN_S:
        return round(-width + (middle + width) * second / IN_S)
    if second < IN_S + STAND_S:
        return middle
    if second < IN_S + STAND_S + OUT_S:
        return round(middle + (WIDTH - middle) * (second - IN_S - STAND_S) / OUT_S)
    return None


def paste(frame: Image, vehicle: Image, left: int) -> None:
    """The vehicle into the lane, as far as it is in the picture."""
    rows, columns = vehicle.shape[:2]
    begin, end = max(0, left), min(WIDTH, left + columns)
    if begin < end:
        frame[HEIGHT - rows :, begin:end] = vehicle[:, begin - left : end - left]


def read_video(path: Path, threads: int) -> tuple[Kept, float, float, int]:
    """Read it with the agent's station: what was kept, wall seconds, processor seconds, pictures looked at."""
    site = SiteFile.model_validate(
        {
            "site": "bench",
            "vision": {"threads": threads},
            "video": [
                {
                    "id": "lane", "source": str(path), "reads": ["plate"], "lane": "L1", "paced": False,
                    "most_per_s": LOOKS_PER_S,
                }
            ],
            "lane": [{"id": "L1", "kind": "vehicle"}],
        }
    )  # fmt: skip
    kept = Kept()
    outputs = DeviceOutputs(_drop, _drop, _drop, _drop, _drop)
    parts = VideoParts(VideoStores(_Spool(), _Evidence(kept), _drop, kept.plate), SystemClock(), outputs, path.parent)
    (station,) = make_videos(site, parts)
    began, used = time.monotonic(), time.process_time()
    station.start()
    over = threading.Event()
    while not station.finished:
        over.wait(0.1)
    wall, processor = time.monotonic() - began, time.process_time() - used
    station.stop()
    return kept, wall, processor, station.camera.counts.kept


def _drop(*_: object) -> None:
    """What the benchmark does not look at."""


def costs(path: Path) -> dict[str, float]:
    """Processor milliseconds of each stage for one picture of the video, one thread, the median of some."""
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    capture.set(cv2.CAP_PROP_POS_MSEC, 1000.0 * (IN_S + 1))
    site = SiteFile.model_validate(
        {"site": "b", "lane": [{"id": "L", "kind": "vehicle", "cameras": ["c"]}], "camera": [_CAMERA]}
    )
    reader, gate, clock = PlateReader(models_of(site), 1), MotionGate(), SystemClock()
    spent: dict[str, list[float]] = {"decode": [], "motion gate": [], "exposure": [], "plates": []}
    for _ in range(20):
        image, took = _timed(lambda: np.asarray(capture.read()[1], np.uint8))
        spent["decode"].append(took)
        spent["motion gate"].append(_timed(partial(gate.opens, image, clock()))[1])
        spent["exposure"].append(_timed(partial(measure, image))[1])
        spent["plates"].append(_timed(partial(reader.read, image, thorough=False))[1])
    capture.release()
    return {name: float(np.median(each)) for name, each in spent.items()}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and the processor milliseconds of this thread."""
    began = time.thread_time()
    return work(), 1000 * (time.thread_time() - began)


_CAMERA = {"id": "c", "profile": "plate/hikvision-isapi-push", "listen": "127.0.0.1:1", "allow": ["127.0.0.1"]}


def main(arguments: list[str] | None = None) -> None:
    """Print what one video cost and gave."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    if not SHARED.is_dir():
        print("../shared/plates is not beside the repository: no vehicles to make a video of")
        return
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "lane.mp4"
        truth = make_video(path, options.minutes)
        stages = costs(path)
        kept, wall, processor, looked = read_video(path, options.threads)
    report(truth, kept, wall, processor, looked, 60 * options.minutes, stages)


def report(
    truth: list[str], kept: Kept, wall: float, processor: float, looked: int, seconds: float, stages: dict[str, float]
) -> None:
    """One table."""
    found = Counter(seen.text for seen in kept.plates)
    right = sum((Counter(truth) & found).values())
    print(f"{'video':28} {seconds / 60:.1f} min, {WIDTH} x {HEIGHT}, {PER_S} a second, {len(truth)} vehicles")
    print(f"{'plates told / right':28} {len(kept.plates)} / {right}")
    print(f"{'pictures offered to readers':28} {looked} ({LOOKS_PER_S:g} a second wanted)")
    print(f"{'wall clock':28} {wall:.0f} s: {seconds / wall:.1f} x real time (load {os.getloadavg()[0]:.1f})")
    print(f"{'processor':28} {processor:.0f} s: {processor / seconds:.2f} cores for one lane in real time")
    for name, spent in stages.items():
        print(f"{'a picture: ' + name:28} {spent:.1f} ms of one core, a vehicle in it")


if __name__ == "__main__":
    main()
