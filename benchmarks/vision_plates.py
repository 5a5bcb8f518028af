"""How well and how fast plates are read: `python -m benchmarks.vision_plates`.

Accuracy on the shared photographs (`../shared/plates`), single pictures; on the same photographs made worse (blur,
noise, darkness, glare, compression, perspective, seeds fixed), alone and voted over five; on drawn plates of every
mainland kind (see `vision_plates_drawn`), which tell how a kind is handled and not how often a camera's picture of it
is read. False plates on photographs that have none. Cost of each stage with one thread and with two, memory, and a
lane's video against real time. Peers of the same run: hyperlpr2's network alone, as the trial used it, and PP-OCR on
the whole picture.
"""

from __future__ import annotations

import csv
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.vision_plates_drawn import EXAMPLES, Drawn, place_plate, street, worn
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.vision.containers.text import TextReader
from edge_agent.vision.image import Image, load_image
from edge_agent.vision.models.directory import ModelDirectory, default_directory
from edge_agent.vision.motion import MotionGate
from edge_agent.vision.plates.detector import PlateDetector
from edge_agent.vision.plates.grammar import choose
from edge_agent.vision.plates.looks import ALPHABET
from edge_agent.vision.plates.read import PlateRead, vote
from edge_agent.vision.plates.reader import PlateReader
from edge_agent.vision.plates.rectify import flatten
from edge_agent.vision.plates.segfree import PlateNetwork

SHARED = Path(__file__).parents[2] / "shared"
VIDEO_SECONDS, FRAMES_A_SECOND = 60, 25
WORN_COPIES = 12
SCENES = 8


@dataclass(frozen=True, slots=True)
class Photo:
    """One shared photograph with its truth."""

    file: str
    region: str
    plate: str
    box: tuple[int, ...]
    image: Image


@dataclass
class Tally:
    """Right and wrong reads of one set."""

    seen: int = 0
    right: int = 0
    alone: int = 0
    alone_wrong: int = 0

    def add(self, read: PlateRead | None, truth: str) -> None:
        """Count one."""
        self.seen += 1
        self.right += read is not None and read.text == truth
        if read is not None and read.unattended:
            self.alone += 1
            self.alone_wrong += read.text != truth

    def line(self, name: str) -> str:
        """For the table."""
        low, high = wilson(self.right, self.seen)
        return (
            f"{name:34} {self.right:4}/{self.seen:<4} {self.right / max(1, self.seen):6.1%}  {low:5.1%}..{high:5.1%}"
            f"  unattended {self.alone:4}, wrong among them {self.alone_wrong}"
        )


def wilson(right: int, seen: int, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence interval of a rate (Wilson 1927)."""
    if not seen:
        return 0.0, 1.0
    rate = right / seen
    middle = (rate + z * z / (2 * seen)) / (1 + z * z / seen)
    half = z / (1 + z * z / seen) * (rate * (1 - rate) / seen + z * z / (4 * seen * seen)) ** 0.5
    return middle - half, middle + half


def photos() -> list[Photo]:
    """The shared photographs."""
    rows = csv.DictReader((SHARED / "plates" / "ground_truth.csv").read_text("utf-8").splitlines())
    return [
        Photo(
            row["file"],
            row["region"],
            row["plate"],
            tuple(int(part.split("=")[1]) for part in row["box"].split()),
            load_image(SHARED / "plates" / row["file"]),
        )
        for row in rows
    ]


def surest(reads: list[PlateRead]) -> PlateRead | None:
    """The read that a lane would take."""
    return max(reads, key=lambda read: (read.grammar_ok, read.confidence), default=None)


def accuracy(reader: PlateReader, mainland: list[Photo], rest: list[Photo]) -> Iterator[str]:
    """Lines of the tables of accuracy."""
    single, aged, voted = Tally(), Tally(), Tally()
    for photo in mainland:
        single.add(surest(reader.read(photo.image)), photo.plate)
        draw = random.Random(photo.plate)
        copies = [worn(_at_most(photo.image, 1280), draw, level % 3) for level in range(WORN_COPIES)]
        reads = [surest(reader.read(copy)) for copy in copies]
        for read in reads:
            aged.add(read, photo.plate)
        for start in range(0, WORN_COPIES - 4, 4):
            some = [read for read in reads[start : start + 5] if read is not None]
            voted.add(vote(some) if some else None, photo.plate)
    yield single.line("mainland, single pictures")
    yield aged.line("the same, made worse")
    yield voted.line("the same, made worse, five voted")
    for region in ("EU", "US"):
        boxed = Tally()
        for photo in rest:
            if photo.region == region:
                x, y, width, height = photo.box
                boxed.add(reader.read_box(photo.image, (x, y, width, height)), photo.plate)
        yield boxed.line(f"{region}, the box given")


def drawn(reader: PlateReader) -> Iterator[str]:
    """Lines of drawn plates, by kind: as drawn, and made worse, from a little to hardly legible."""
    for kind in dict.fromkeys(example.kind for example in EXAMPLES):
        plain, aged = Tally(), Tally()
        for seed, example in enumerate(each for each in EXAMPLES if each.kind == kind):
            for number, scene in enumerate(_scenes(example, seed)):
                (plain if number < 2 else aged).add(surest(reader.read(scene)), example.text)
        yield plain.line(f"drawn, {kind}")
        yield aged.line(f"drawn, {kind}, made worse")


def _scenes(example: Drawn, seed: int) -> Iterator[Image]:
    draw = random.Random(f"{example.text}{seed}")
    tall = {"green": 140 / 480}.get(example.kind, 0.5 if example.kind.endswith("double") else 140 / 440)
    for number in range(SCENES):
        width = draw.uniform(130, 260)
        x, y, tilt = draw.uniform(300, 700), draw.uniform(300, 450), draw.uniform(-0.12, 0.12) * width
        height = tall * width
        corners = np.array(
            [[x, y], [x + width, y + tilt], [x + width - 3, y + tilt + height], [x - 2, y + height]], np.float32
        )
        scene = place_plate(street(seed=number), example, corners)
        yield scene if number < 2 else worn(scene, draw, number % 3)


def false_plates(reader: PlateReader) -> str:
    """On photographs of faces and of containers, none of which shows a plate that can be read."""
    files = sorted(path for kind in ("faces", "containers") for path in (SHARED / kind).iterdir())
    pictures = [path for path in files if path.suffix.lower() in (".jpg", ".png", ".jpeg")]
    found = {path.name: [read.text for read in reader.read(load_image(path))] for path in pictures}
    some = {name: texts for name, texts in found.items() if texts}
    return f"false plates on {len(pictures)} photographs of faces and containers: {len(some)} {some or ''}"


def peers(directory: ModelDirectory, mainland: list[Photo]) -> Iterator[str]:
    """The trial's way, and PP-OCR on the whole picture."""
    detector, network, text = PlateDetector(directory), PlateNetwork(cv2, directory), TextReader(directory)
    alone, whole = 0, 0
    seconds = [0.0, 0.0]
    for photo in mainland:
        began = time.perf_counter()
        finds = detector.find(photo.image)
        slots = network.read(flatten(cv2, photo.image, finds[0].corners)) if finds else ()
        alone += choose(slots).text == photo.plate
        seconds[0] += time.perf_counter() - began
        began = time.perf_counter()
        lines = [text.read_line(text.straighten(photo.image, quad)) for quad in text.find(photo.image)]
        said = ["".join(filter(str.isalnum, line.text)) for line in lines]
        whole += photo.plate in said
        seconds[1] += time.perf_counter() - began
    for name, right, spent in (("hyperlpr2's network alone", alone, seconds[0]), ("PP-OCR, whole", whole, seconds[1])):
        yield f"{name:34} {right:4}/{len(mainland):<4} {right / len(mainland):6.1%}  {spent / len(mainland):.3f} s each"


def costs(directory: ModelDirectory, photo: Photo) -> Iterator[str]:
    """Lines of milliseconds a stage."""
    yield f"{'stage, ms (best of 15)':34} {'1 thread, processor':>20} {'1 thread':>10} {'2 threads':>10}"
    columns = [_stages(directory, photo, threads) for threads in (1, 2)]
    for name in columns[0]:
        (spent, one), (_, two) = columns[0][name], columns[1][name]
        yield f"{name:34} {spent:20.1f} {one:10.1f} {two:10.1f}"


def _stages(directory: ModelDirectory, photo: Photo, threads: int) -> dict[str, tuple[float, float]]:
    detector, reader = PlateDetector(directory, threads=threads), PlateReader(directory, threads)
    network, text = PlateNetwork(cv2, directory, threads), TextReader(directory, threads)
    image = photo.image
    corners = detector.find(image)[0].corners
    flat = flatten(cv2, image, corners)
    empty = street()
    steps: dict[str, Callable[[], object]] = {
        "find, 640 pixels": lambda: detector.find(image),
        "make flat": lambda: flatten(cv2, image, corners),
        "read by hyperlpr2's network": lambda: network.read(flat),
        "read by PP-OCR": lambda: text.read_line(flat, alphabet=ALPHABET),
        "a frame with a plate, whole": lambda: reader.read(image, thorough=False),
        "a frame without, whole": lambda: reader.read(empty, thorough=False),
        "a still without, whole": lambda: reader.read(empty),
    }
    return {name: _best(step) for name, step in steps.items()}


def _best(step: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the processor and of the clock, each of the quickest run: the machine is shared."""
    step()
    spent = []
    for _ in range(15):
        worked, began = time.process_time(), time.perf_counter()
        step()
        spent.append((time.process_time() - worked, time.perf_counter() - began))
    return min(each[0] for each in spent) * 1000, min(each[1] for each in spent) * 1000


def video(reader: PlateReader) -> str:
    """A lane's video: a plate passes for four of every twenty seconds; only what moves is read."""
    gate, busy, read_frames = MotionGate(), 0.0, 0
    scenes = [street(seed=number) for number in range(4)]
    said: list[PlateRead] = []
    for number in range(VIDEO_SECONDS * FRAMES_A_SECOND):
        frame = _lane_frame(scenes[number % 4], number / FRAMES_A_SECOND % 20)
        began = time.process_time()
        if gate.opens(frame, _moment(number / FRAMES_A_SECOND)):
            read_frames += 1
            said += reader.read(frame, thorough=False)
        busy += time.process_time() - began
    right = sum(read.text == "琼B7K219" for read in said)
    return (
        f"video, {VIDEO_SECONDS} s of 1280x720 at {FRAMES_A_SECOND}/s: {read_frames} frames read, {len(said)} plates, "
        f"{right} right, in {busy:.1f} s of one core: {VIDEO_SECONDS / busy:.1f} times real time"
    )


def _moment(seconds: float) -> Moment:
    nanoseconds = int(seconds * 1e9)
    return Moment(WallNs(nanoseconds), MonoNs(nanoseconds), bytes(16), synchronised=True, error_bound_ns=0)


def _lane_frame(scene: Image, second: float) -> Image:
    if second >= 4:
        return scene
    x = 100 + second * 230
    corners = np.array([[x, 400], [x + 160, 404], [x + 158, 455], [x - 2, 451]], np.float32)
    return place_plate(scene, Drawn("琼B7K219", "blue"), corners)


def _at_most(image: Image, side: int) -> Image:
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print every table."""
    directory = ModelDirectory(default_directory())
    before, began = _resident_mb(), time.perf_counter()
    reader = PlateReader(directory)
    print(f"models loaded in {time.perf_counter() - began:.2f} s, {_resident_mb() - before:.0f} MB resident more")
    for number in range(4):
        reader.read(street(seed=number))
    reader.read(street(7000, 7000))
    print(f"resident after pictures without a plate, one of 49 megapixels: {_resident_mb():.0f} MB")
    if (SHARED / "plates").is_dir():
        shared = photos()
        mainland = [photo for photo in shared if photo.region == "CN"]
        rest = [photo for photo in shared if photo.region != "CN"]
        for line in (*accuracy(reader, mainland, rest), *peers(directory, mainland)):
            print(line, flush=True)
        print(false_plates(reader))
        for line in costs(directory, mainland[0]):
            print(line, flush=True)
    for line in drawn(reader):
        print(line, flush=True)
    print(video(reader))


if __name__ == "__main__":
    main()
