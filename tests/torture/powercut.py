"""A power cut at any moment of a scenario: the disk is rebuilt as it may look then, and every promise must hold.

This is the method of ALICE (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014): record the calls once,
then build the states that a file system may leave between any two of them.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.disk import CHANCES, Chance, Disk, write_image
from tests.torture.recording import OPTIONS, Event, MakeDirectory, Promised, Recorder, Recording, Sync
from tests.torture.scenario import Promise, Scenario, checked
from tests.torture.tracing import run_plain, run_traced


@dataclass(frozen=True, slots=True)
class Cut:
    """A power cut: after so many events, with what was not synced drawn so."""

    scenario: str
    after: int
    chance: int
    seed: int

    def __str__(self) -> str:
        """As `parse_cut` reads it."""
        return f"{self.scenario}/{self.after}/{self.chance}/{self.seed}"


def parse_cut(text: str) -> Cut:
    """What `str` of a cut wrote."""
    scenario, after, chance, seed = text.split("/")
    return Cut(scenario, int(after), int(chance), int(seed))


def record(scenario: Scenario, directory: Path) -> Recording:
    """Run the scenario once and write down what it does; needs strace."""
    before, state = directory / f"{scenario.name}.before", directory / f"{scenario.name}.state"
    before.mkdir()
    scenario.prepare(before)
    shutil.copytree(before, state)
    run_plain(scenario, state)
    shutil.rmtree(state)
    shutil.copytree(before, state)
    trace = directory / f"{scenario.name}.trace"
    told = run_traced(scenario, state, ["-o", str(trace), *OPTIONS])
    if not told.ended or told.errors:
        raise AssertionError(f"{scenario.name} fails without a fault: {told}")
    recorder = Recorder(before, state)
    recording = recorder.play(trace.read_text(encoding="ascii"))
    _compare(recorder.now(), state)
    return recording


def _compare(played: dict[str, bytes], state: Path) -> None:
    """The recording must lead to what is on the disk, or the power cuts would be another disk's."""
    found = {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}
    names = {name for name in found.keys() | played.keys() if not name.endswith("-shm")}
    if wrong := sorted(name for name in names if found.get(name) != played.get(name)):
        raise AssertionError(f"the recording does not give what is on the disk: {wrong}")


def without_syncs(recording: Recording, *, directories_only: bool) -> Recording:
    """The same program had it synced nothing (or no directory): to show that a power cut finds it."""
    made = {event.inode for event in recording.events if isinstance(event, MakeDirectory)}
    directories = recording.directories.keys() | made
    events = [
        event
        for event in recording.events
        if not isinstance(event, Sync) or (directories_only and event.inode not in directories)
    ]
    return Recording(recording.files, recording.directories, events)


def cuts(scenario: str, recording: Recording, seed: int, draws: int) -> Iterator[Cut]:
    """Power cuts after each event, each chance drawn `draws` times where there is something to draw."""
    for after in range(len(recording.events) + 1):
        for number, chance in enumerate(CHANCES):
            for draw in range(draws if _draws(chance) else 1):
                yield Cut(scenario, after, number, seed + draw)


def _draws(chance: Chance) -> bool:
    return chance.names is None or chance.sizes is None


class PowerCuts:
    """Tries power cuts of one recording, best in rising order of time."""

    def __init__(self, scenario: Scenario, recording: Recording) -> None:
        self._scenario, self._recording = scenario, recording
        self._seen: set[bytes] = set()
        self._rewind()

    def _rewind(self) -> None:
        self._disk, self._at = Disk(self._recording), 0
        self._promises: list[Promise] = []

    def try_cut(self, cut: Cut) -> list[str]:
        """What is wrong after a power cut; a disk that looks like one before, with the same promises, is not tried."""
        self._go_to(cut.after)
        image = self._disk.after_power_cut(CHANCES[cut.chance], random.Random(str(cut)))
        if not self._is_new(image):
            return []
        directory = Path(tempfile.mkdtemp(prefix="tidegate-power-", dir=_fast()))
        write_image(image, directory)
        problems = checked(self._scenario, directory, list(self._promises))
        shutil.rmtree(directory)
        return [f"{cut} ({CHANCES[cut.chance].name}): {problem}" for problem in problems]

    def image(self, cut: Cut, directory: Path) -> list[Promise]:
        """Put the disk after a cut into a directory, to be looked at; the promises by then."""
        self._go_to(cut.after)
        write_image(self._disk.after_power_cut(CHANCES[cut.chance], random.Random(str(cut))), directory)
        return list(self._promises)

    def _go_to(self, after: int) -> None:
        if after < self._at:
            self._rewind()
        for event in self._recording.events[self._at : after]:
            self._happens(event)
        self._at = after

    def _happens(self, event: Event) -> None:
        if isinstance(event, Promised):
            self._promises.append(event.promise)
        else:
            self._disk.apply(event)

    def _is_new(self, image: dict[str, bytes]) -> bool:
        digest = hashlib.sha256(repr(self._promises).encode())
        for name, content in sorted(image.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        known = digest.digest() in self._seen
        self._seen.add(digest.digest())
        return not known


def _fast() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def sampled(found: Sequence[Cut], points: int) -> list[Cut]:
    """At most `points` of them, evenly."""
    step = max(1, len(found) // points) if points else 1
    return list(found[::step])
