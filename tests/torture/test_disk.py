"""The disk after a power cut: what may be there, and what must be."""

from __future__ import annotations

import random
from pathlib import Path

from tests.torture.disk import CHANCES, SECTOR, Chance, Disk, write_image
from tests.torture.recording import ROOT, MakeDirectory, Recording, Relink, Resize, Sync, Write

FILE, DIRECTORY, OTHER = 1, 2, 3
NOTHING, NO_CONTENT, NO_NAMES, MOST, SOME, ALL_NAMES = CHANCES
SEEDS = range(300)


def disk(*, content: bytes = b"") -> Disk:
    """A disk with one file."""
    return Disk(Recording({FILE: content}, {ROOT: {"file": FILE}}))


def images(made: Disk, chance: Chance) -> list[dict[str, bytes]]:
    return [made.after_power_cut(chance, random.Random(seed)) for seed in SEEDS]


def test_what_was_synced_is_there() -> None:
    made = disk()
    made.apply(Write(FILE, 0, b"a" * 3000))
    made.apply(Sync(FILE))
    for chance in CHANCES:
        assert images(made, chance) == [{"file": b"a" * 3000}] * len(SEEDS)


def test_what_was_not_synced_may_be_gone() -> None:
    made = disk(content=b"old")
    made.apply(Write(FILE, 0, b"new"))
    assert made.after_power_cut(NOTHING, random.Random(0)) == {"file": b"old"}


def test_a_tail_may_be_zero_or_missing() -> None:
    made = disk(content=b"old")
    made.apply(Write(FILE, 3, b"n" * 5000))
    assert made.after_power_cut(NO_CONTENT, random.Random(0)) == {"file": b"old" + bytes(5000)}
    assert {len(image["file"]) for image in images(made, MOST)} == {3, 5003}


def test_any_sector_may_be_there_without_the_others() -> None:
    made = disk()
    made.apply(Write(FILE, 0, b"x" * 3 * SECTOR))
    seen = {
        tuple(image["file"][sector * SECTOR : (sector + 1) * SECTOR] == b"x" * SECTOR for sector in range(3))
        for image in images(made, ALL_NAMES)
        if len(image["file"]) == 3 * SECTOR
    }
    assert len(seen) == 8


def test_a_sector_has_a_first_part_of_its_writes_in_order() -> None:
    made = disk(content=b"0")
    for digit in (b"1", b"2", b"3"):
        made.apply(Write(FILE, 0, digit))
    assert {image["file"] for image in images(made, SOME)} == {b"0", b"1", b"2", b"3"}


def test_what_was_written_before_a_file_was_cut_off_does_not_come_back() -> None:
    made = disk(content=b"a" * 2000)
    made.apply(Resize(FILE, 0))
    made.apply(Write(FILE, 0, b"b" * 2000))
    for chance in CHANCES:
        for image in images(made, chance):
            content = image["file"]
            assert content == b"a" * 2000 or set(content) <= {0, ord("b")}


def test_a_name_needs_a_sync_of_its_directory_not_of_its_file() -> None:
    made = disk()
    made.apply(Relink(((ROOT, "other", OTHER),)))
    made.apply(Write(OTHER, 0, b"x"))
    made.apply(Sync(OTHER))
    assert "other" not in made.after_power_cut(NOTHING, random.Random(0))
    made.apply(Sync(ROOT))
    assert made.after_power_cut(NOTHING, random.Random(0))["other"] == b"x"


def test_a_rename_is_all_or_nothing() -> None:
    made = disk(content=b"x")
    made.apply(Relink(((ROOT, "file", None), (ROOT, "renamed", FILE))))
    assert {tuple(image) for image in images(made, MOST)} == {("file",), ("renamed",)}


def test_changes_of_one_directory_keep_their_order() -> None:
    made = disk()
    for number in range(3):
        made.apply(Relink(((ROOT, f"new-{number}", OTHER + number),)))
    assert {tuple(sorted(image)) for image in images(made, MOST)} == {
        ("file", *(f"new-{number}" for number in range(count))) for count in range(4)
    }


def test_what_is_in_a_directory_that_is_not_there_is_not_there() -> None:
    made = disk()
    made.apply(MakeDirectory(DIRECTORY))
    made.apply(Relink(((ROOT, "directory", DIRECTORY),)))
    made.apply(Relink(((DIRECTORY, "inside", OTHER),)))
    made.apply(Write(OTHER, 0, b"x"))
    made.apply(Sync(OTHER))
    made.apply(Sync(DIRECTORY))
    assert made.after_power_cut(NOTHING, random.Random(0)) == {"file": b""}
    made.apply(Sync(ROOT))
    assert made.after_power_cut(NOTHING, random.Random(0)) == {"file": b"", "directory/": b"", "directory/inside": b"x"}


def test_an_image_is_written_for_its_owner_only(tmp_path: Path) -> None:
    write_image({"directory/": b"", "directory/inside": b"x", "empty/": b""}, tmp_path)
    inside = tmp_path / "directory" / "inside"
    assert (inside.read_bytes(), inside.stat().st_mode & 0o777) == (b"x", 0o600)
    assert (tmp_path / "empty").is_dir()
