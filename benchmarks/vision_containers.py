"""Container numbers: what is read of the shared pictures, also made worse, and what it costs.

    python -m benchmarks.vision_containers [--quick]

Needs a model directory (`edge-agent models build`) and ../shared/containers. `--quick` leaves out the worsened
pictures. Times are processor time. The peer is whole-frame PP-OCR as the package rapidocr runs it at its own settings:
a number counts for it when its texts, written one after another, hold the number.
"""

from __future__ import annotations

import csv
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.report import table
from edge_agent.vision.containers import ContainerRead, ContainerReader, TextReader
from edge_agent.vision.containers.looking import ALPHABET
from edge_agent.vision.faces.rates import wilson
from edge_agent.vision.image import Image, load_image
from edge_agent.vision.models import ModelDirectory, default_directory

SHARED = Path(__file__).parents[2] / "shared" / "containers"
RUNS = 5
Change = Callable[[Image], Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one picture."""

    number: str
    reads: list[ContainerRead]
    seconds: float

    @property
    def read(self) -> bool:
        """The best read is the number."""
        return bool(self.reads) and self.reads[0].text == self.number

    @property
    def passed(self) -> list[str]:
        """Texts whose check digit is right."""
        return [read.text for read in self.reads if read.check_digit_ok]

    @property
    def unattended(self) -> list[str]:
        """Texts that are used without a person looking."""
        return [read.text for read in self.reads if read.unattended]


def pictures() -> Iterator[tuple[str, str, str, Image]]:
    """File, number, layout and picture of each shared one."""
    for row in csv.DictReader((SHARED / "ground_truth.csv").read_text("utf-8").splitlines()):
        yield row["file"], row["number"], row["layout"], load_image(SHARED / row["file"])


def tilted(degrees: float) -> Change:
    """Turned about its middle."""

    def change(image: Image) -> Any:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)

    return change


def scaled(by: float) -> Change:
    """Made smaller or larger."""
    way = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return lambda image: cv2.resize(image, None, fx=by, fy=by, interpolation=way)


def blurred(sigma: float) -> Change:
    """Out of focus by so many pixels."""
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


def moved(pixels: int) -> Change:
    """Blurred by motion from left to right."""
    kernel = np.zeros((pixels, pixels), np.float32)
    kernel[pixels // 2] = 1 / pixels
    return lambda image: cv2.filter2D(image, -1, kernel)


def noisy(sigma: float) -> Change:
    """With a sensor's noise of so many grey levels."""
    return lambda image: np.clip(image + np.random.default_rng(1).normal(0, sigma, image.shape), 0, 255)


def lit(gamma: float) -> Change:
    """Darker above 1, paler below."""
    return lambda image: 255 * (image / 255) ** gamma


def compressed(quality: int) -> Change:
    """As a JPEG of so much quality."""
    return lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


CHANGES: dict[str, Change] = {
    "half as large": scaled(0.5),
    "0.65 times as large": scaled(0.65),
    "1.6 times as large": scaled(1.6),
    "tilted by 10 degrees": tilted(10),
    "tilted by -12 degrees": tilted(-12),
    "out of focus, sigma 1.2": blurred(1.2),
    "out of focus, sigma 2": blurred(2),
    "motion of 7 pixels": moved(7),
    "noise, sigma 15": noisy(15),
    "JPEG quality 25": compressed(25),
    "gamma 2.2 (darker)": lit(2.2),
    "gamma 0.45 (paler)": lit(0.45),
    "upside down": lambda image: image[::-1, ::-1],
}


def outcome(reader: ContainerReader, image: Image, number: str) -> Outcome:
    """Read one picture."""
    began = time.process_time()
    reads = reader.read(image)
    return Outcome(number, reads, time.process_time() - began)


def worsened(reader: ContainerReader) -> dict[str, list[Outcome]]:
    """Each change with what came of every picture."""
    made = {}
    for name, change in CHANGES.items():
        made[name] = [
            outcome(reader, np.ascontiguousarray(change(image), np.uint8), number) for _, number, _, image in pictures()
        ]
    return made


def share(count: int, of: int) -> str:
    """A rate with its interval."""
    low, high = wilson(count, of) if of else (0.0, 1.0)
    return f"{count} of {of} ({low:.0%} to {high:.0%})"


def summary(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    """Rates over pictures."""
    passed = [(text, each.number) for each in outcomes for text in each.passed]
    alone = [(text, each.number) for each in outcomes for text in each.unattended]
    return [
        ("read", share(sum(each.read for each in outcomes), len(outcomes))),
        ("unattended, of pictures", share(sum(each.number in each.unattended for each in outcomes), len(outcomes))),
        ("right, of unattended reads", share(sum(text == number for text, number in alone), len(alone))),
        ("right, of reads that pass the check digit", share(sum(a == b for a, b in passed), len(passed))),
        ("processor seconds a picture, median", f"{statistics.median(each.seconds for each in outcomes):.1f}"),
    ]


def timed(action: Callable[[], object]) -> str:
    """Median wall milliseconds: threads are wall time's matter."""
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return f"{statistics.median(seconds) * 1e3:,.0f}"


def costs(directory: ModelDirectory) -> Iterator[tuple[str, str, str]]:
    """Stages with milliseconds at one thread and at two."""
    _, _, _, image = next(pictures())
    empty = np.full_like(image, 90)
    columns = []
    for threads in (1, 2):
        text, reader = TextReader(directory, threads), ContainerReader(directory, threads)
        quads = text.find(image)
        crop = text.straighten(image, quads[0])
        columns.append(
            [
                timed(partial(text.find, image)),
                timed(partial(text.read_line, crop, alphabet=ALPHABET)),
                timed(partial(reader.read, image, thorough=False)),
                timed(partial(reader.read, empty, thorough=False)),
                timed(partial(reader.read, empty)),
            ]
        )
    names = (
        f"find text ({image.shape[1]} x {image.shape[0]}, seen at 1,280)",
        "read one line",
        f"a container, one look ({len(quads)} boxes)",
        "no container, one look",
        "no container, all looks",
    )
    yield from zip(names, *columns, strict=True)


def peer() -> str:
    """How many numbers whole-frame PP-OCR's texts hold."""
    try:
        engine = import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})
    except ImportError as error:
        return f"not measured, {error.name} is not installed"
    held, seconds, count = 0, 0.0, 0
    for _, number, _, image in pictures():
        began = time.process_time()
        texts = engine(image).txts or ()
        seconds += time.process_time() - began
        held += number in "".join(texts).replace(" ", "").upper()
        count += 1
    return f"{held} of {count}, {seconds / count:.1f} processor seconds a picture"


def main() -> None:
    """Prints tables."""
    directory = ModelDirectory(default_directory())
    reader = ContainerReader(directory)
    shared = [(name, layout, outcome(reader, image, number)) for name, number, layout, image in pictures()]
    print("Shared pictures, one thread.\n")
    rows = [
        (
            name,
            layout,
            each.number,
            each.reads[0].text if each.reads else "",
            each.reads[0].size_type if each.reads else "",
            "yes" if each.unattended else "no",
            f"{each.reads[0].confidence if each.reads else 0:.2f}",
            f"{each.seconds:.1f}",
        )
        for name, layout, each in shared
    ]
    print(table(("picture", "layout", "number", "read", "size-type", "unattended", "confidence", "CPU s"), rows))
    print("\n" + table(("shared pictures", "95 % interval in brackets"), summary([each for _, _, each in shared])))
    print("\n" + table(("stage", "ms, one thread", "ms, two threads"), costs(directory)))
    print(f"\nWhole-frame PP-OCR (rapidocr, its own settings): {peer()}.")
    if "--quick" not in sys.argv:
        made = worsened(reader)
        print("\nThe same pictures made worse, all looks.\n")
        lines = [
            (
                name,
                f"{sum(each.read for each in group)} of {len(group)}",
                sum(each.number in each.unattended for each in group),
                sum(text != each.number for each in group for text in each.unattended),
                sum(text != each.number for each in group for text in each.passed),
            )
            for name, group in made.items()
        ]
        head = ("change", "read", "unattended", "unattended and wrong", "passed and wrong")
        print(table(head, lines))
        print(
            "\n"
            + table(
                ("made worse", "95 % interval in brackets"),
                summary([each for group in made.values() for each in group]),
            )
        )
    reader.read(np.full((6000, 8192, 3), 90, np.uint8))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\nPeak memory with all of it, and after a picture of 49 megapixels with all looks: {peak} MB.")


if __name__ == "__main__":
    main()
