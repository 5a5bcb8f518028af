"""`edge-agent devices probe`: at which speed and with which profile does the device on a port make sense?"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import click
from rich.console import Console
from rich.progress import Progress

from edge_agent.app.line import questions_of
from edge_agent.clock import SystemClock
from edge_agent.commands.devices._fit import Fit, fits
from edge_agent.commands.devices._source import scale_table
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import Profile
from edge_agent.drivers.stream import StreamLink
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.serial_link import SerialLink
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.profiles import load_profile, profile_names

KINDS = ("scale", "radiation", "gnss", "ais")
BAUDS = (9600, 4800, 19_200, 2400, 38_400, 57_600, 115_200, 1200, 600)
FORMATS = ("8N1", "7E1")
ENOUGH_BYTES = 4096


@dataclass(slots=True)
class Try:
    """One speed and format, listened to or asked at: what came, and what reads it.

    Attributes:
        asked: the profile whose questions were sent; "" when we only listened.
        address: who answered first, where several addresses were asked; "" where they were not.
        problem: why the port cannot be read.
    """

    baud: int
    data_format: str
    asked: str = ""
    address: str = ""
    data: bytes = b""
    found: list[Fit] = field(default_factory=list)
    problem: str = ""

    @property
    def fit(self) -> Fit | None:
        """The best profile, if it is good."""
        return self.found[0] if self.found and self.found[0].is_good else None

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


@click.command()
@click.option("--port", required=True, help="Device path, socket://HOST:PORT or rfc2217://HOST:PORT.")
@click.option("--seconds", type=click.FloatRange(min=0.2), default=1.5, show_default=True, help="For each attempt.")
@click.option("--listen-only", is_flag=True, help="Send nothing at all.")
@click.option(
    "--addresses", is_flag=True, help="Ask at every address a device on a shared line may have: takes longer."
)
@click.option("--all", "try_all", is_flag=True, help="Go on after a fit: look at every speed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def probe(
    ctx: click.Context, port: str, seconds: float, *, listen_only: bool, addresses: bool, try_all: bool, as_json: bool
) -> None:
    """Find out what speaks on a port: listen at each usual speed, then ask with the reading commands of the profiles.

    Nothing that changes a device (tare, zero, its output) is ever sent. Exit code: 0 something fits, 1 nothing.
    """
    scale_table({"id": "probe", "profile": "scale/mt-sics", "port": port})  # says what is wrong with the port's name
    prober = Prober(port, seconds)
    attempts = list(_listening(port))
    if not listen_only:
        attempts += _asking(port, everywhere=addresses)
    tries: list[Try] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(attempts))
        for attempt, questions in attempts:
            what = f"asking as {attempt.asked}" if attempt.asked else "listening"
            progress.update(bar, description=f"{attempt.baud} {attempt.data_format}, {what}")
            prober.listen(attempt, questions)
            tries.append(attempt)
            progress.advance(bar)
            if attempt.problem or (attempt.fit and not try_all):
                break
    best = max((each for each in tries if each.fit), key=_quality, default=None)
    if as_json:
        click.echo(json.dumps(_report(port, tries, best)))
    else:
        for line in _told(port, tries, best):
            click.echo(line)
    ctx.exit(0 if best else 1)


class Prober:
    """Opens a port again and again, each time in another way."""

    def __init__(self, port: str, seconds: float) -> None:
        self._port, self._seconds = port, seconds

    def listen(self, attempt: Try, questions: Sequence[Question]) -> None:
        """Fill in what came and what reads it."""
        talk = _Talk(attempt, questions, self._seconds)
        link = SerialLink(
            "probe",
            self._port,
            attempt.baud,
            attempt.data_format,
            SystemClock(),
            read_timeout=0.02,
            ask=talk.ask if questions else None,
        )
        link.run(talk.take, talk.told, talk.stop)
        attempt.data = bytes(talk.received)
        names = [attempt.asked] if attempt.asked else _candidates()
        attempt.found = fits(attempt.data, names)


class _Talk:
    """One attempt under way: who is asked, what came, and when it is enough.

    With several addresses, the first that answers is asked on for the time that a lone device gets.
    """

    def __init__(self, attempt: Try, questions: Sequence[Question], seconds: float) -> None:
        self._attempt, self._questions, self._seconds = attempt, list(questions), seconds
        self._rounds = Rounds(questions)
        self._asked = ""
        self.stop = threading.Event()
        self.received = bytearray()
        self._end_in(max(seconds, self._searching_s))

    @property
    def _searching_s(self) -> float:
        """How long it takes until every address was asked."""
        return sum(question.timeout_s for question in self._questions) if len(self._questions) > 1 else 0.0

    def ask(self, now: Moment) -> bytes | None:
        """See SerialLink."""
        question = self._rounds.due_question(now)
        if question is None:
            return None
        self._asked = question.device_id
        return question.data

    def take(self, chunk: bytes, _now: Moment) -> None:
        """See SerialLink."""
        self.received.extend(chunk)
        self._rounds.answered(self._asked)
        if self._asked and not self._attempt.address:
            self._attempt.address = self._asked
            self._rounds = Rounds([each for each in self._questions if each.device_id == self._asked])
            self._end_in(self._seconds)
        if len(self.received) >= ENOUGH_BYTES:
            self.stop.set()

    def told(self, event: DeviceEvent) -> None:
        """See SerialLink."""
        if event.state is DeviceState.UNPLUGGED:
            self._attempt.problem = event.text
            self.stop.set()

    def _end_in(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.stop.set)
        timer.daemon = True
        timer.start()


def _candidates() -> list[str]:
    return [name for name in profile_names() if name.partition("/")[0] in KINDS]


def _listening(port: str) -> Iterator[tuple[Try, Sequence[Question]]]:
    """The speeds and formats of the profiles first, then the other usual ones; once where a port has no speed."""
    if port.startswith("socket://"):
        yield Try(9600, "8N1"), ()
        return
    own = [_setting(name) for name in _candidates()]
    usual = [(baud, data_format) for baud in BAUDS for data_format in FORMATS]
    by_use = sorted(set(own), key=lambda setting: -own.count(setting))
    for baud, data_format in dict.fromkeys([*by_use, *usual]):
        yield Try(baud, data_format), ()


def _setting(name: str) -> tuple[int, str]:
    link = getattr(load_profile(name, of=Layer), "link", None)
    if isinstance(link, StreamLink):
        return link.baud, link.format
    scale = load_profile(name)
    return scale.link.baud, scale.link.format


def _asking(port: str, *, everywhere: bool) -> Iterator[tuple[Try, Sequence[Question]]]:
    for name in _candidates():
        if not name.startswith("scale/"):
            continue
        profile: Profile = load_profile(name)
        if not profile.link.poll:
            continue
        attempt = Try(profile.link.baud, profile.link.format, asked=name)
        addresses = profile.link.address.all() if everywhere and profile.link.address else ("",)
        yield attempt, [question for address in addresses for question in _questions(port, name, address)]


def _questions(port: str, profile: str, address: str) -> list[Question]:
    """What such a device is asked at this address; the questions are in its name."""
    table = scale_table({"id": "probe", "profile": profile, "port": port, "address": address or None})
    return [replace(question, device_id=address) for question in questions_of(table)]


def _quality(attempt: Try) -> tuple[float, int]:
    fit = attempt.fit
    return (fit.share, fit.readings) if fit else (0.0, 0)


def _report(port: str, tries: list[Try], best: Try | None) -> dict[str, object]:
    return {
        "port": port,
        "fits": best.as_json() if best else None,
        "site_file": _site_lines(port, best) if best else None,
        "tried": [each.as_json() for each in tries],
        "advice": _advice(tries) if best is None else None,
    }


def _told(port: str, tries: list[Try], best: Try | None) -> Iterator[str]:
    for each in tries:
        if each.data or each.problem:
            asked = f", asked as {each.asked}" if each.asked else ""
            asked += f" at address {each.address}" if each.address else ""
            yield f"{each.baud} {each.data_format}{asked}: {len(each.data)} bytes  {each.problem}".rstrip()
            yield from (f"    {'fits' if fit.is_good else 'no'}  {fit.told()}" for fit in each.found[:3])
    if best is None:
        yield _advice(tries)
        return
    yield "\nFor the site file:\n"
    yield _site_lines(port, best)
    others = [fit.profile for fit in best.found[1:] if fit.is_good]
    if others:
        yield f"\nAlso possible: {', '.join(others)}. Compare with the device's plate and its display"


def _site_lines(port: str, best: Try) -> str:
    """What to write; only called where something fits."""
    name = best.found[0].profile
    own = _setting(name)
    lines = [f"[[{'scale' if name.startswith('scale/') else 'device'}]]", 'id = "NAME"', f'profile = "{name}"']
    lines.append(f'port = "{port}"')
    lines += [f'address = "{best.address}"'] if best.address else []
    if not port.startswith("socket://"):
        lines += [f"baud = {best.baud}"] if best.baud != own[0] else []
        parity = own[1].startswith("7") and not best.data.isascii()  # seen in bit 7: the profile's format checks it
        lines += [f'data_format = "{best.data_format}"'] if best.data_format != own[1] and not parity else []
    return "\n".join(lines)


def _advice(tries: list[Try]) -> str:
    problem = next((each.problem for each in tries if each.problem), "")
    if problem:
        return f"The port cannot be read. {problem}"
    if not any(each.data for each in tries):
        return (
            "No bytes at any speed. Is the device on? Then the cable: the device's TX belongs on this machine's RX, "
            "and ground on ground; on RS-485 try A and B the other way round. In the device's menu: is its output on, "
            "or must it be asked (at an address other than the first: --addresses)?"
        )
    return (
        "Bytes came and no profile reads them. Look at the speed whose bytes look like text in the list above, record "
        "them with `edge-agent devices record`, and compare with the device's manual: docs/profiles.md tells how to "
        "describe a new device"
    )
