"""Reference data joined with who brings it and who goes by it: the connection, the lanes, the status."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import structlog

from edge_agent.app.incidents import IncidentBook
from edge_agent.app.reference_orders import OrderDesk
from edge_agent.decide.boarding import boarding_keys
from edge_agent.decide.known import Known
from edge_agent.decide.recent import Recent
from edge_agent.decide.registers import Key, Registers
from edge_agent.errors import EdgeAgentError
from edge_agent.keys import AgentKeys
from edge_agent.model.moment import Moment
from edge_agent.reference.cache import ReferenceCache, SliceRefusedError
from edge_agent.reference.fetch import refresh
from edge_agent.reference.follow import Pinned, follow, not_signed_any_more
from edge_agent.reference.freshness import told_old
from edge_agent.reference.sailing_keys import SailingKeys
from gate_contract.rules import BookingIndex, Policy, PolicyError
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.order_pb2 import Officer
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Incident
from gate_contract.v1.reference_pb2 import SailingKey, Slice
from gate_contract.v1.register_pb2 import RegisterItem

LOG = structlog.get_logger()

REFERENCE = "reference data"
"""What its incidents are about."""

FETCH_EVERY_S = 2.0
"""A collector of an older release knows no Follow, and is asked so often."""

FIRST_WITHIN_S = 1.0
"""So long a passage waits for what the collector has to say first, after the connection came back."""

SWEEP_EVERY_S = 60.0
"""What is over is forgotten so often, online or not."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """How the desk says what goes wrong."""

    clock: Callable[[], Moment]
    incidents: IncidentBook
    tell: Callable[[list[Incident]], None]


class ReferenceDesk:
    """Keeps what the gate knows up to date while connected, and gives it to whoever decides."""

    def __init__(self, state_dir: Path, keys: AgentKeys, site_id: str, policy: Policy, reporting: Reporting) -> None:
        """Opens the caches; `policy` is the site's own. EdgeAgentError when they cannot be used.

        What is in them counts from `start` on.
        """
        identity = keys.identity
        self._pinned = Pinned(identity.deployment, identity.site_id, keys.collector_receipts)
        self._site_id, self._own_policy, self._reporting = site_id, policy, reporting
        self.cache = ReferenceCache(state_dir / "reference.db")
        self.keys = SailingKeys(state_dir / "sailing-keys.db", self.cache.refetch)
        self._known, self._recent = Known(BookingIndex(()), None), Recent()
        self._orders = OrderDesk(self._tell_of_orders)
        self._policies: dict[str, str] = {}
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._closing = threading.Event()
        self._caught_up = threading.Event()
        self._caught_up.set()
        self._without_follow: grpc.Channel | None = None
        self._sweeper = threading.Thread(target=self._sweep, name="reference sweep", daemon=True)

    def start(self) -> None:
        """Go by what is here from before; once, before anything is decided."""
        if self.cache.damage:
            text = f"reference.db is damaged: {self.cache.damage}. It is fetched anew; look at the disk (dmesg)"
            now = self._reporting.clock()
            self._reporting.tell([self._reporting.incidents.over_at_once("reference-damaged", text, now)])
        self._renew(self.cache.items(), came=False)
        self._sweeper.start()

    # --- from the collector --------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The connection came back: passages wait a moment for what was said meanwhile."""
        self._caught_up.clear()

    def disconnected(self) -> None:
        """Nothing will come for now."""
        self._caught_up.set()

    def behind(self) -> None:
        """The collector was restored from an old backup: what it says from now on may go on from an older state."""
        try:
            self.cache.refetch()
        except EdgeAgentError as error:  # records go up all the same
            LOG.warning("reference.not_refetched", problem=str(error))

    def keep(self, channel: grpc.Channel, over: threading.Event) -> None:
        """Take what comes until the connection is over, or something does not hold.

        Raises SliceRefusedError when the collector sent what does not hold, grpc.RpcError when the connection breaks,
        EdgeAgentError when the disk takes nothing.
        """
        try:
            if self._without_follow is channel:
                self._fetch(channel, over)
            else:
                follow(channel, self.cache.followed, self._pinned, self._take)
        except SliceRefusedError as error:
            self._refused(error)
            raise
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            if self.cache.made_unix_ns:  # it knew it before: nobody makes this gate believe what is not signed
                refusal = not_signed_any_more()
                self._refused(refusal)
                raise refusal from None
            self._without_follow = channel
            LOG.warning("reference.no_follow", problem="the collector is of an older release: it gives no orders")
        finally:
            self._caught_up.set()

    def _fetch(self, channel: grpc.Channel, over: threading.Event) -> None:
        refresh(channel, self.cache, self._reporting.clock())
        self._caught_up.set()
        over.wait(FETCH_EVERY_S)

    def _take(self, found: Slice, keys: Iterable[SailingKey]) -> bool:
        now = self._reporting.clock()
        with self._renewing:
            self.cache.check(found, now)
            self.keys.take(keys)  # before the manifests that name them: without its key a manifest knows nobody
            held, now_ns = self._known.registers, self._now_unix_ns(now)
            taken = self.cache.take(found, now, lambda fresh: self._orders.unfounded(fresh, held, now_ns))
            self._orders.tell()
            if taken.items:
                self._renew(taken.items, came=True)
                self._destroy_keys(now)
        if found.complete:
            self._caught_up.set()
            self._see_age(self.cache.age_s(now) or 0, now)
        return not taken.again

    def _refused(self, error: SliceRefusedError) -> None:
        now = self._reporting.clock()
        self._reporting.tell(self._reporting.incidents.began(REFERENCE, "reference-refused", str(error), now))
        self.cache.refetch()

    def _see_age(self, age_s: int, now: Moment) -> None:
        if text := told_old(age_s):
            self._reporting.tell(self._reporting.incidents.began(REFERENCE, "reference-old", text, now))
            return
        if ended := self._reporting.incidents.ended(REFERENCE, now):
            self._reporting.tell(ended)

    def _destroy_keys(self, now: Moment) -> None:
        wanted = set(self._known.registers.keys.values())
        if destroyed := self.keys.destroy_over(None if self.cache.doubted else now.wall, wanted):
            LOG.info("sailing_keys.destroyed", keys=destroyed)

    def _sweep(self) -> None:
        """Forget what is over, now and then; a thread."""
        while not self._closing.wait(SWEEP_EVERY_S):
            self.sweep()

    def sweep(self) -> None:
        """Forget what is over: items, and keys of sailings."""
        now = self._reporting.clock()
        try:
            with self._renewing:
                if gone := self.cache.sweep(now).items:
                    self._renew(gone, came=False)
                self._destroy_keys(now)
        except EdgeAgentError as error:
            LOG.warning("reference.not_swept", problem=str(error))

    # --- what follows from it ------------------------------------------------------------------------------------

    def _renew(self, changes: Mapping[Key, RegisterItem | None], *, came: bool) -> None:
        """Read changed items; `came`: they are news, not what was here at the start."""
        now = self._reporting.clock()
        held = self._known.registers
        registers, problems = held.with_changes(changes)
        for problem in problems:
            LOG.warning("reference.item_unusable", problem=problem)
        known = replace(self._timed(), registers=registers)
        if registers.orders is not held.orders or registers.officers is not held.officers:
            self._orders.renew(registers, known.now_unix_ns(now), came=came)
            known = replace(known, orders=self._orders.index)
        self._known = replace(known, policy=self._policy(registers, now))

    def _tell_of_orders(self, texts: list[str]) -> None:
        now, book = self._reporting.clock(), self._reporting.incidents
        self._reporting.tell([book.over_at_once("order-refused", text, now) for text in texts])

    def _policy(self, registers: Registers, now: Moment) -> Policy | None:
        """The collector's policy for this site, or for all; one that is wrong changes nothing, and is alarmed.

        Where none was in force before it, that for all is, rather than the site's own file.
        """
        found = {site: registers.policies[site] for site in (self._site_id, "") if site in registers.policies}
        if found == self._policies:
            return self._known.policy
        self._policies = found
        for text in found.values():
            try:
                return Policy.from_toml(text)
            except PolicyError as error:
                told = f"This gate does not take over the policy that the collector sent. {error}"
                self._reporting.tell([self._reporting.incidents.over_at_once("policy-refused", told, now)])
            if self._known.policy is not None:
                return self._known.policy
        return None

    # --- for whoever decides -------------------------------------------------------------------------------------

    def known(self, now: Moment) -> Known:
        """What is known now. Waits FIRST_WITHIN_S at most for the first news after the connection came back."""
        if not self._caught_up.wait(FIRST_WITHIN_S):
            self._caught_up.set()
        index, age_s = self.cache.index(), self.cache.age_s(now)
        return replace(self._timed(), index=index, age_s=age_s, recent=self._recent)

    def decided(self, passage: Passage, decision: Decision) -> None:
        """Remember a passage, for those that come after it."""
        with self._lock:
            self._recent = self._recent.with_passage(passage, decision, self._site_id)

    @property
    def officers(self) -> Mapping[str, Officer]:
        """Officers by id, to open what they signed."""
        return self._known.registers.officers

    def boarding_keys(self, now: Moment) -> list[tuple[str, bytes]]:
        """Key ids and keys of the sailings that board, the next to leave first: for pseudonyms of documents."""
        names = boarding_keys(self._known.registers, self._now_unix_ns(now), self._site_id)
        return [(name, key) for name in names if (key := self.keys.key(name)) is not None]

    def shown(self, now: Moment) -> dict[str, Any]:
        """For the status; its keys are described in docs/status.md."""
        known = self._known
        return {
            "declarations": len(self.cache),
            "age_s": self.cache.age_s(now),
            "position": self.cache.followed,
            "registers": known.registers.counts(),
            "orders": self._orders.standing(self._now_unix_ns(now)),
            "policy": (known.policy or self._own_policy).hash,
            "policy_from": "site" if known.policy is None else "collector",
            "sailing_keys": len(self.keys),
        }

    def _now_unix_ns(self, now: Moment) -> int:
        return self._timed().now_unix_ns(now)

    def _timed(self) -> Known:
        return replace(self._known, made_unix_ns=self.cache.made_unix_ns, fetched=self.cache.fetched)

    def close(self) -> None:
        """Close the caches."""
        self._closing.set()
        if self._sweeper.is_alive():
            self._sweeper.join(timeout=2)
        self.cache.close()
        self.keys.close()
