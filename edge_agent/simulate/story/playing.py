"""The story's gates with played lanes, and which vehicle comes to which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from edge_agent.simulate.io_box import BARRIER, IoBox
from edge_agent.simulate.machine import Machine
from edge_agent.simulate.programs import run_command
from edge_agent.simulate.story.lanes import AGENT_FILE, LaneDevices, LaneSpec
from edge_agent.simulate.story.officers import INSPECTOR, Officers
from edge_agent.simulate.story.player import Crossed, LanePlayer, Visit, at_once
from edge_agent.simulate.story.telling import Telling

GATES: Mapping[str, tuple[LaneSpec, ...]] = {
    "gate-3": (
        LaneSpec("macun-out-1", "scale", "yaohua-xk3190-a9-tf0"),
        LaneSpec("macun-out-2", "scale", "mettler-toledo-continuous"),
        LaneSpec("macun-empty-1", "empties", "yaohua-xk3190-a9-tf0"),
    ),
    "gate-4": (
        LaneSpec("macun-out-3", "scale", "yaohua-xk3190-a9-tf0"),
        LaneSpec("macun-axle-1", "axles", "mettler-toledo-continuous"),
        LaneSpec("macun-empty-2", "empties", "mettler-toledo-continuous"),
    ),
}
PORTS_NEEDED = sum(1 + len(lanes) for lanes in GATES.values())


class PlayedGate(Machine):
    """A gate whose lanes are all played: a listener for its cameras, and a box with a barrier in each lane."""

    def __init__(
        self, directory: Path, site_id: str, agent_id: str, lanes: Sequence[LaneSpec], ports: Sequence[int]
    ) -> None:
        """`ports`: one for its cameras, and one for each lane's box; nothing listens before `plug_in`."""
        self.lanes, self._http_port = lanes, ports[0]
        self.boxes = {lane.lane_id: IoBox(port) for lane, port in zip(lanes, ports[1:], strict=True)}
        parts = [lane.site_file(directory, ports[0], port) for lane, port in zip(lanes, ports[1:], strict=True)]
        super().__init__(directory, site_id, agent_id, "".join([AGENT_FILE.format(site=site_id), *parts]))
        self._players: dict[str, LanePlayer] = {}

    def plug_in(self, stack: ExitStack) -> None:
        """Boxes listen and devices are there, before the agent looks for them; `stack` takes them away."""
        for lane in self.lanes:
            box = stack.enter_context(self.boxes[lane.lane_id])
            devices = LaneDevices.of(lane, self.directory, self._http_port, box)
            devices.start()
            stack.callback(devices.stop)
            self._players[lane.lane_id] = LanePlayer(self, lane.lane_id, devices)

    def play(self, lane: LaneSpec, visits: Sequence[Visit]) -> list[Crossed]:
        """All of one lane's vehicles; see `LanePlayer.play`."""
        return self._players[lane.lane_id].play(visits)

    @property
    def openings(self) -> int:
        """How often its barriers rose."""
        return sum(len(box.rises(BARRIER)) for box in self.boxes.values())


def shared_out(tellings: Iterable[Telling], lanes: Sequence[LaneSpec]) -> list[list[Telling]]:
    """Those of each lane, in turn among the lanes of one kind; who waits for something comes last."""
    shares: list[list[Telling]] = [[] for _ in lanes]
    for telling in sorted(tellings, key=lambda each: each.waits):
        able = [share for share, lane in zip(shares, lanes, strict=True) if lane.where == telling.where]
        min(able, key=len).append(telling)
    return shares


def inspect(gate: Machine, telling: Telling, officers: Officers) -> None:
    """The inspector records what was counted, through the gate's own command."""
    run_command(
        "gatectl", "--config", gate.site_file, "inspect", telling.passage.passage_id, "--as", INSPECTOR,
        "--key", officers.key_file(INSPECTOR), "--result", "differs", "--text", "counted",
        "--packages", str(telling.counted),
    )  # fmt: skip


class Playing:
    """All played gates of the story, and what came of their lanes."""

    def __init__(self, directory: Path, site_id: str, ports: Sequence[int]) -> None:
        """`ports`: `PORTS_NEEDED` that are free."""
        left = list(ports)
        self.gates: list[PlayedGate] = []
        for agent_id, lanes in GATES.items():
            own, left = left[: 1 + len(lanes)], left[1 + len(lanes) :]
            self.gates.append(PlayedGate(directory / agent_id, site_id, agent_id, lanes, own))
        self.crossed: list[Crossed] = []

    @property
    def lane_ids(self) -> list[str]:
        """Of all gates; an id of a passage begins with its lane's."""
        return [lane.lane_id for gate in self.gates for lane in gate.lanes]

    def play(self, tellings: Iterable[Telling], order_over: Callable[[], bool]) -> None:
        """All lanes at once, until the last vehicle has left; those who wait do so until `order_over`.

        Raises:
            ProgramError: of the first lane that did not go on; see `LanePlayer.play`.
        """
        places = [(gate, lane) for gate in self.gates for lane in gate.lanes]
        shares = shared_out(tellings, [lane for _, lane in places])
        with ThreadPoolExecutor(len(places)) as pool:
            played: list[Future[list[Crossed]]] = [
                pool.submit(gate.play, lane, in_order(share, order_over))
                for (gate, lane), share in zip(places, shares, strict=True)
            ]
        self.crossed = [crossed for each in played for crossed in each.result()]

    def gate_of(self, passage_id: str) -> PlayedGate:
        """Where a passage was; it is named after its lane."""
        return next(gate for gate in self.gates for lane in gate.lanes if passage_id.startswith(f"{lane.lane_id}-"))


def in_order(share: Iterable[Telling], order_over: Callable[[], bool]) -> list[Visit]:
    """Their visits; those that an order was about come when it has expired."""
    return [Visit(each.passage, order_over if each.waits else at_once) for each in share]
