import os
import struct
import subprocess
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("cv2") is None:
    pytest.skip("the extra `vision` is not installed here", allow_module_level=True)

import cv2
import numpy as np

from edge_agent.vision.headers import MOST_PARTS, read_header
from edge_agent.vision.image import MOST_BYTES, ImageError, load_image

WIDTH, HEIGHT = 60, 40


def picture() -> Any:
    """Dark at the top left, with one bright corner at the top right."""
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    image[:20, 40:] = (10, 120, 250)
    return image


def encoded(kind: str, image: Any = None) -> bytes:
    done, data = cv2.imencode(f".{kind}", picture() if image is None else image)
    assert done
    return bytes(data.tobytes())


def png(width: int, height: int, rows: bytes, *, before: bytes = b"", wrong_sum: bool = False) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        total = zlib.crc32(kind + body) ^ (wrong_sum and kind == b"IDAT")
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", total)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"MM\x00\x2a" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its header."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


@pytest.mark.parametrize("kind", ["jpg", "png", "bmp", "webp"])
def test_each_kind_is_read_as_it_was_written(kind: str) -> None:
    data = encoded(kind)
    header = read_header(data)
    assert (header.width, header.height) == (WIDTH, HEIGHT)
    image = load_image(data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    assert image.flags["C_CONTIGUOUS"]
    assert np.abs(image[10, 50].astype(int) - (10, 120, 250)).max() < 12


def test_a_picture_is_turned_the_way_its_orientation_says() -> None:
    turned = load_image(with_exif(encoded("jpg"), 6))
    assert turned.shape == (WIDTH, HEIGHT, 3)
    assert turned[50, 30, 2] > 200
    assert turned[5, 30, 2] < 80


def test_grey_and_16_bit_pictures_become_three_channels_of_8_bits() -> None:
    image = load_image(encoded("png", np.full((HEIGHT, WIDTH), 0x8000, np.uint16)))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert int(image.min()) == int(image.max()) == 128


def test_a_phones_jpeg_with_bytes_behind_its_end_is_read() -> None:
    assert load_image(encoded("jpg") + b"\x00motion" * 100).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", ["jpg", "png", "bmp", "webp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.98])
def test_a_picture_that_is_cut_short_is_an_error_that_names_it(kind: str, part: float) -> None:
    data = encoded(kind)
    with pytest.raises(ImageError, match=r"^gate\.x is no picture that can be read\. .+\. "):
        load_image(data[: int(len(data) * part)], name="gate.x")


HOSTILE = {
    "empty": (b"", "it is empty"),
    "text": (b"hello" * 20, "neither JPEG, PNG, BMP nor WebP"),
    "gif": (b"GIF89a" + bytes(40), "neither JPEG"),
    "a PNG of 3.6 gigapixels": (png(60_000, 60_000, b""), "60000 x 60000 pixels; at most 50 million"),
    "a long thin PNG": (png(40_000, 1, b""), "32000 a side"),
    "a PNG of no pixels": (png(0, 5, b""), "0 x 5 pixels"),
    "a PNG that inflates to more than it says": (png(10, 10, zlib.compress(bytes(9_000_000))), "more than its header"),
    "a PNG with a wrong check sum": (png(2, 2, zlib.compress(bytes(14)), wrong_sum=True), "check sum"),
    "a PNG whose rows are no zlib": (png(2, 2, b"\x00" * 20), "damaged"),
    "a PNG of empty parts": (
        png(2, 2, b"", before=struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt")) * (MOST_PARTS + 1)),
        "parts",
    ),
    "an animated PNG": (
        png(
            2, 2, b"", before=struct.pack(">I4sIII", 8, b"acTL", 2, 0, zlib.crc32(struct.pack(">4sII", b"acTL", 2, 0)))
        ),
        "animation",
    ),
    "an animated WebP": (
        b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00" + bytes(14),
        "animation",
    ),
    "a WebP of 281 terapixels": (
        b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff" * 6 + bytes(8),
        "16777216 x 16777216",
    ),
    "a BMP of negative width": (
        b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, -5, 5, 1, 24, *[0] * 6),
        "-5 x 5",
    ),
    "a compressed BMP": (
        b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 5, 5, 1, 8, 1, *[0] * 5),
        "compressed BMP",
    ),
    "a JPEG without a picture": (b"\xff\xd8\xff\xd9", "holds no picture"),
    "a JPEG of fill bytes": (b"\xff\xd8" + b"\xff" * 10_000_000, "end marker"),
    "a JPEG of empty parts": (b"\xff\xd8" + b"\xff\xe0\x00\x02" * (MOST_PARTS + 1), "parts"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_cause(name: str) -> None:
    data, cause = HOSTILE[name]
    with pytest.raises(ImageError, match=cause):
        load_image(data)


def test_a_jpeg_too_small_for_the_size_in_its_header_is_cut_short() -> None:
    with pytest.raises(ImageError, match="6000 x 6000 pixels do not fit"):
        load_image(resized(encoded("jpg"), 6000, 6000))


def test_a_jpeg_with_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    done, data = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert done
    jpeg = data.tobytes()
    last = jpeg.rindex(b"\xff\xda")
    assert load_image(jpeg).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ImageError, match="scans, which no camera writes"):
        load_image(jpeg[:last] + jpeg[last:-2] * 500 + b"\xff\xd9")


def test_a_file_over_the_limit_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse.jpg"
    with sparse.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(MOST_BYTES * 100)
    with pytest.raises(ImageError, match="larger than 64 MiB"):
        load_image(sparse)


def test_only_a_file_is_opened_and_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for name, cause in (
        ("pipe.jpg", "a device, pipe or socket"),
        ("zero.jpg", "a device, pipe or socket"),
        ("loop.jpg", "symbolic links"),
        ("", "a directory"),
        ("none.jpg", "No such file"),
        ("a\x00b.jpg", "null"),
    ):
        with pytest.raises(ImageError, match=cause):
            load_image(tmp_path / name)


def test_a_link_to_a_picture_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(encoded("png"))
    (tmp_path / "link.png").symlink_to("real.png")
    assert load_image(tmp_path / "link.png").shape == (HEIGHT, WIDTH, 3)


MEASURE = """
import resource, sys
from pathlib import Path
import cv2
from edge_agent.vision.image import ImageError, load_image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        load_image(Path(path))
    except ImageError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_stays_bounded_whatever_the_files_claim(tmp_path: Path) -> None:
    files = []
    for number, (data, _) in enumerate(HOSTILE.values()):
        files.append(tmp_path / f"{number}.x")
        files[-1].write_bytes(data)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *files],
        capture_output=True, text=True, check=True, timeout=100, env=environment,
    )  # fmt: skip
    assert int(done.stdout) < 64, "megabytes above a process that only has OpenCV loaded"
