"""In which ways `edge-agent devices probe` opens a port, and what is asked there. Only what reads is ever asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_agent.app.line import questions_of
from edge_agent.commands.devices._fit import Fit
from edge_agent.commands.devices._source import scale_table
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import Profile
from edge_agent.drivers.stream import StreamLink
from edge_agent.errors import EdgeAgentError
from edge_agent.links.asking import Question
from edge_agent.profiles import load_profile, profile_names

KINDS = ("scale", "radiation", "gnss", "ais")
BAUDS = (9600, 4800, 19_200, 2400, 38_400, 57_600, 115_200, 1200, 600)
FORMATS = ("8N1", "7E1")
ASK_EVERY = "0.3 s"
"""Of a device that sends by itself as delivered, and here is set to answer."""


@dataclass(slots=True)
class Try:
    """One speed and format, listened to or asked at: what came, and what reads it.

    Attributes:
        asked: the profile whose questions were sent; "" when we only listened.
        command: what it was asked, where its profile does not ask by itself; "" where it does.
        address: who answered first, where several addresses were asked; "" where they were not.
        problem: why the port cannot be read.
    """

    baud: int
    data_format: str
    asked: str = ""
    command: str = ""
    address: str = ""
    data: bytes = b""
    found: list[Fit] = field(default_factory=list)
    problem: str = ""

    @property
    def fit(self) -> Fit | None:
        """The best profile, if it is good."""
        return self.found[0] if self.found and self.found[0].is_good else None

    @property
    def blocks(self) -> bool:
        """Whether the port cannot be read in any way: one that its adapter cannot do says nothing of the others."""
        return bool(self.problem) and f"does not take {self.baud} {self.data_format}." not in self.problem

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "baud": self.baud,
            "data_format": self.data_format,
            "asked": self.asked or None,
            "address": self.address or None,
            "bytes": len(self.data),
            "hex": self.data[:64].hex(" "),
            "problem": self.problem or None,
            "profiles": [fit.as_json() for fit in self.found],
        }


def candidates(profile_dir: Path | None) -> list[str]:
    """The profiles whose bytes tell them apart; wrong ones of the installer's own are left out."""
    return [name for name in profile_names(profile_dir) if name.partition("/")[0] in KINDS and _can(name, profile_dir)]


def listening(port: str, profile_dir: Path | None) -> Iterator[tuple[Try, Sequence[Question]]]:
    """The speeds and formats of the profiles first, then the other usual ones; once where a port has no speed."""
    if port.startswith("socket://"):
        yield Try(9600, "8N1"), ()
        return
    own = [setting(name, profile_dir) for name in candidates(profile_dir)]
    by_use = sorted(set(own), key=lambda each: -own.count(each))
    for baud, data_format in dict.fromkeys([*by_use, *_usual()]):
        yield Try(baud, data_format), ()


def asking(
    port: str, profile_dir: Path | None, *, everywhere: bool, every_speed: bool
) -> Iterator[tuple[Try, Sequence[Question]]]:
    """Every scale that can be asked for its weight: first as its profile is set, then at every other usual speed.

    Those that are always asked come before those that send by themselves as delivered.
    """
    scales = [name for name in candidates(profile_dir) if name.startswith("scale/")]
    found = [(name, load_profile(name, profile_dir)) for name in scales]
    able = sorted((each for each in found if _command(each[1]) is not None), key=lambda each: not each[1].link.poll)
    later = []
    for name, profile in able:
        link, command = profile.link, _command(profile) or ""
        own = (link.baud, link.format)
        addresses = link.address.all() if everywhere and link.address else ("",)
        questions = [each for address in addresses for each in _questions(port, name, profile_dir, command, address)]
        yield Try(*own, asked=name, command=command), questions
        if every_speed and not port.startswith("socket://"):
            later += [(Try(*each, asked=name, command=command), questions) for each in _usual() if each != own]
    yield from later


def setting(name: str, profile_dir: Path | None) -> tuple[int, str]:
    """Speed and format of a profile."""
    link = getattr(load_profile(name, profile_dir, of=Layer), "link", None)
    if isinstance(link, StreamLink):
        return link.baud, link.format
    scale = load_profile(name, profile_dir)
    return scale.link.baud, scale.link.format


def _usual() -> list[tuple[int, str]]:
    return [(baud, data_format) for baud in BAUDS for data_format in FORMATS]


def _can(name: str, profile_dir: Path | None) -> bool:
    try:
        load_profile(name, profile_dir, of=Layer)
    except EdgeAgentError:
        return False
    return True


def _command(profile: Profile) -> str | None:
    """What asks it for its weight: "" for what its profile repeats by itself; None when nothing does."""
    if profile.link.poll:
        return ""
    return next((command.name for command in profile.link.command if command.reads), None)


def _questions(port: str, profile: str, profile_dir: Path | None, command: str, address: str) -> list[Question]:
    """What such a device is asked at this address; the questions are in its name."""
    options = {"id": "probe", "profile": profile, "profile_dir": profile_dir, "port": port, "address": address or None}
    table = scale_table(options | ({"ask": (command,), "ask_every": ASK_EVERY} if command else {}))
    return [replace(question, device_id=address) for question in questions_of(table)]
