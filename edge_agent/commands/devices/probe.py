"""`edge-agent devices probe`: at which speed and with which profile does the device on a port make sense?"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from edge_agent.clock import SystemClock
from edge_agent.commands.devices._attempts import Try, asking, candidates, listening
from edge_agent.commands.devices._findings import Findings
from edge_agent.commands.devices._fit import fits
from edge_agent.commands.devices._source import profile_dir_option, scale_table
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.serial_link import SerialLink
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

ENOUGH_BYTES = 4096
CLEARING_S = 2.0
"""A converter that has just lost its one client may need so long until it takes the next."""


@click.command()
@click.option("--port", required=True, help="Device path, socket://HOST:PORT or rfc2217://HOST:PORT.")
@profile_dir_option
@click.option("--seconds", type=click.FloatRange(min=0.2), default=1.5, show_default=True, help="For each attempt.")
@click.option("--listen-only", is_flag=True, help="Send nothing at all.")
@click.option(
    "--addresses", is_flag=True, help="Ask at every address a device on a shared line may have: takes longer."
)
@click.option("--all", "try_all", is_flag=True, help="Go on after a fit, and ask at every speed: takes minutes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def probe(
    ctx: click.Context,
    port: str,
    profile_dir: Path | None,
    seconds: float,
    *,
    listen_only: bool,
    addresses: bool,
    try_all: bool,
    as_json: bool,
) -> None:
    """Find out what speaks on a port: listen at each usual speed, then ask with the reading commands of the profiles.

    Of scales, radiation portals, GNSS and AIS receivers: their bytes tell them apart. Nothing that changes a device
    (tare, zero, its output) is ever sent.

    Exit code: 0 something fits, 1 nothing or the port cannot be read, 2 wrong usage.
    """
    scale_table({"id": "probe", "profile": "scale/mt-sics", "port": port})  # says what is wrong with the port's name
    prober = Prober(port, seconds, profile_dir)
    attempts = list(listening(port, profile_dir))
    if not listen_only:
        attempts += asking(port, profile_dir, everywhere=addresses, every_speed=try_all)
    tries: list[Try] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(attempts))
        for attempt, questions in attempts:
            what = f"asking as {attempt.asked}" if attempt.asked else "listening"
            progress.update(bar, description=f"{attempt.baud} {attempt.data_format}, {what}")
            prober.listen(attempt, questions)
            tries.append(attempt)
            progress.advance(bar)
            if attempt.blocks or (attempt.fit and not try_all):
                break
    findings = Findings(port, tries, profile_dir)
    if as_json:
        click.echo(json.dumps(findings.as_json()))
    else:
        for line in findings.told():
            click.echo(line)
    ctx.exit(0 if findings.best else 1)


class Prober:
    """Opens a port again and again, each time in another way."""

    def __init__(self, port: str, seconds: float, profile_dir: Path | None = None) -> None:
        self._port, self._seconds, self._profile_dir = port, seconds, profile_dir

    def listen(self, attempt: Try, questions: Sequence[Question]) -> None:
        """Fill in what came and what reads it."""
        talk = _Talk(attempt, questions, self._seconds, CLEARING_S if "://" in self._port else 0.0)
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
        names = [attempt.asked] if attempt.asked else candidates(self._profile_dir)
        attempt.found = fits(attempt.data, names, self._profile_dir)


class _Talk:
    """One attempt under way: who is asked, what came, and when it is enough.

    With several addresses, the first that answers is asked on for the time that a lone device gets. Time counts from
    when the port is open: across a network that may take seconds. One that was lost has `clearing_s` to come back.
    """

    def __init__(self, attempt: Try, questions: Sequence[Question], seconds: float, clearing_s: float) -> None:
        self._attempt, self._questions, self._seconds = attempt, list(questions), seconds
        self._clearing_s = clearing_s
        self._rounds = Rounds(questions)
        self._asked = ""
        self.stop = threading.Event()
        self.received = bytearray()

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
            self._end_in(self._clearing_s)
        elif event.state is DeviceState.STARTING:
            self._attempt.problem = ""
            self._end_in(max(self._seconds, self._searching_s))

    def _end_in(self, seconds: float) -> None:
        if not seconds:
            self.stop.set()
            return
        timer = threading.Timer(seconds, self.stop.set)
        timer.daemon = True
        timer.start()
