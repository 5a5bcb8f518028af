"""Plate cameras at work: what they push is kept and then answered; those that are asked have their own room."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from edge_agent.app.camera_keep import CameraKeeper, KeeperStores, password_of
from edge_agent.app.camera_pull import CameraPuller, PullOutputs
from edge_agent.app.lane import Input
from edge_agent.config import CameraTable
from edge_agent.drivers.plate.camera import Message
from edge_agent.drivers.plate.events import Unreadable
from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.links.http_push import Credentials, Push, PushListener, Route
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, PlateSeen

LOG = structlog.get_logger()

TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class CameraOutputs:
    """Where what the cameras say goes; called from several threads at once.

    Attributes:
        reading: device id and reading, to its lane.
        garbled: device id, bytes, how many there were, reason, when; makes a record of what is no event.
        event: a camera was heard for the first time, or one that is asked changed its state.
        refused: a push was not answered with 200: the reason, and the peer's address.
        kept: a push was.
    """

    reading: Callable[[str, Input], None]
    garbled: Callable[[str, bytes, int, str, Moment], None]
    event: Callable[[DeviceEvent], None]
    refused: Callable[[str, str], None]
    kept: Callable[[], None]


class CameraDesk:
    """All cameras of one listening address, or all that are asked (`listen` is ""). Several threads call it at once."""

    def __init__(
        self,
        cameras: Sequence[CameraTable],
        journal: Journal,
        evidence: EvidenceStore,
        clock: Callable[[], Moment],
        outputs: CameraOutputs,
    ) -> None:
        """Listens and asks from `start` on; ConfigError when a profile, password or CA file cannot be used."""
        self._journal, self._clock, self._outputs = journal, clock, outputs
        stores = KeeperStores(journal, evidence, outputs.reading)
        self._keepers = {camera.id: CameraKeeper(camera, stores) for camera in cameras}
        self._readers = {name: keeper.reader() for name, keeper in self._keepers.items()}
        self._heard: dict[str, Moment] = {}
        self._silent: set[str] = set()
        self._since = clock()
        self.device_ids = tuple(camera.id for camera in cameras)
        self.refused = 0
        self._listening = False
        self._stop = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="cameras", daemon=True)
        pull_outputs = PullOutputs(outputs.garbled, outputs.event)
        self._pullers = [
            CameraPuller(self._keepers[camera.id], journal, clock, pull_outputs) for camera in cameras if camera.url
        ]
        self._listener = self._listen([camera for camera in cameras if camera.listen])

    @property
    def port(self) -> int:
        """The port listened on; 0 where all cameras are asked."""
        return self._listener.port if self._listener is not None else 0

    @property
    def listening(self) -> bool:
        """Whether cameras can reach it; those that are asked need nothing."""
        return self._listening

    @property
    def heard(self) -> dict[str, Moment]:
        """When each camera last said something; one that is asked and does not answer is not among them."""
        asked = {puller.device_id: puller.heard for puller in self._pullers}
        return self._heard | {name: heard for name, heard in asked.items() if heard is not None}

    @property
    def last(self) -> dict[str, PlateSeen]:
        """Each camera's last vehicle."""
        return {name: keeper.last for name, keeper in self._keepers.items() if keeper.last is not None}

    def look(self, device_id: str) -> tuple[DeviceState, str]:
        """How a camera is, and in words why it is not well."""
        for puller in self._pullers:
            if puller.device_id == device_id:
                return puller.state, puller.text
        if not self._listening:
            return DeviceState.UNPLUGGED, "this machine cannot listen for it now; it tries again"
        if device_id in self._silent:
            return DeviceState.SILENT, self._silence(device_id)
        if device_id not in self._heard:
            return DeviceState.STARTING, "no push has come since the agent started"
        return DeviceState.OK, ""

    def start(self) -> None:
        """Listen and ask; LinkError when the address cannot be bound now, and then it may be tried again."""
        if self._listener is not None:
            self._listener.start()
        remembered = self._journal.in_flight()
        for keeper in self._keepers.values():
            keeper.resume(remembered)
        for puller in self._pullers:
            puller.start(remembered)
        self._ticker.start()
        self._listening = True

    def stop(self) -> None:
        """Stop listening and asking."""
        self._stop.set()
        for puller in self._pullers:
            puller.halt()
        if self._listener is not None:
            self._listener.stop()
        for puller in self._pullers:
            puller.stop()
        if self._ticker.is_alive():
            self._ticker.join(timeout=3)

    def take(self, push: Push) -> None:
        """Make a push durable: pictures and message as evidence, each vehicle in the inbox.

        Raises JournalError when the disk cannot take it; the camera is then not answered with 200 and sends it again.
        """
        now = self._clock()
        message = self._readers[push.device_id].push(push.body)
        self._take_unreadable(push.device_id, message, now)
        self._keepers[push.device_id].keep(message, now)
        self._well(push.device_id, now)

    def _listen(self, cameras: Sequence[CameraTable]) -> PushListener | None:
        if not cameras:
            return None
        host, port = cameras[0].address
        return PushListener(host, port, {each.push_path: _route(each) for each in cameras}, self.take, self._refuse)

    def _tick(self) -> None:
        while not self._stop.wait(TICK_S):
            now = self._clock()
            for puller in self._pullers:
                self._each(puller.device_id, partial(puller.tick, now))
            for name, keeper in self._keepers.items():
                self._each(name, partial(keeper.tick, now))
                self._each(name, partial(self._listen_for, keeper, now))

    def _each(self, device_id: str, work: Callable[[], None]) -> None:
        """One camera's fault is not the others'."""
        try:
            work()
        except JournalError as error:  # it is tried again with the next tick; the journal's incident tells
            LOG.warning("camera.not_kept", device=device_id, problem=str(error))
        except Exception:  # the supervisor of all cameras: it must go on for the others
            LOG.exception("camera.failed", device=device_id)

    def _listen_for(self, keeper: CameraKeeper, now: Moment) -> None:
        """Tell of a camera that pushes, should be heard from now and then, and is not."""
        name, patience = keeper.table.id, keeper.silent_after_s
        if keeper.table.url or patience is None or name in self._silent:
            return
        if now.seconds_since(self._heard.get(name, self._since)) >= patience:
            self._silent.add(name)
            self._outputs.event(DeviceEvent(name, now, DeviceState.SILENT, self._silence(name)))

    def _silence(self, device_id: str) -> str:
        return (
            f"No push has come for {self._keepers[device_id].silent_after_s:g} s. Check the camera's power and network "
            "cable, then that it still posts to this gate (HTTP listening, its URL and heartbeat)"
        )

    def _take_unreadable(self, device_id: str, message: Message, now: Moment) -> None:
        unreadable = [event for event in message.events if isinstance(event, Unreadable)]
        if unreadable:
            raw = b"".join(event.raw for event in unreadable)
            self._outputs.garbled(device_id, raw, len(raw), unreadable[0].reason, now)

    def _well(self, device_id: str, now: Moment) -> None:
        first = device_id not in self._heard or device_id in self._silent
        self._heard[device_id] = now
        self._silent.discard(device_id)
        if first:
            self._outputs.event(DeviceEvent(device_id, now, DeviceState.OK, "the camera pushes"))
        self._outputs.kept()

    def _refuse(self, reason: str, peer: str) -> None:
        self.refused += 1
        LOG.warning("camera.push_refused", reason=reason, peer=peer)
        self._outputs.refused(reason, peer)


def _route(camera: CameraTable) -> Route:
    credentials = Credentials(camera.user, password_of(camera), camera.auth) if camera.user else None
    return Route(device_id=camera.id, allow=camera.networks, credentials=credentials)


def by_address(cameras: Iterable[CameraTable]) -> list[list[CameraTable]]:
    """Cameras that push to one address are listened for together."""
    groups: defaultdict[str, list[CameraTable]] = defaultdict(list)
    for camera in cameras:
        groups[camera.listen].append(camera)
    return list(groups.values())


def pushes_to(listen: str) -> str:
    """What incidents of pushes to an address are about."""
    return f"pushes to {listen}"
