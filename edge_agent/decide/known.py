"""What a gate knows at one moment, and how it reads to the rule book. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

from edge_agent.decide.boarding import boarding
from edge_agent.decide.recent import Recent
from edge_agent.decide.registers import Registers
from edge_agent.model.moment import Moment
from gate_contract.rules import BookingIndex, Context, EarlierDecision, Policy
from gate_contract.rules.records import QuantityLeft, UsedRelease
from gate_contract.rules.standing_orders import OrderIndex
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.register_pb2 import DeclarationQuantity


@dataclass(frozen=True, slots=True)
class Known:
    """Reference data and what passed lately, as of one moment; none of it changes afterwards.

    Attributes:
        index: the declarations.
        age_s: seconds since the collector last said that this is all; None: it never did.
        made_unix_ns: when it said so last, by its own clock; 0: never.
        fetched: when that came, by this machine's clocks; None: it never did.
        registers: everything else that it sent.
        orders: the control orders among it.
        policy: the collector's, when it sent one that holds; None: the site's own file.
        recent: passages of this gate.
    """

    index: BookingIndex
    age_s: int | None
    made_unix_ns: int = 0
    fetched: Moment | None = None
    registers: Registers = field(default_factory=Registers)
    orders: OrderIndex | None = None
    policy: Policy | None = None
    recent: Recent = field(default_factory=Recent)

    def now_unix_ns(self, now: Moment) -> int:
        """The time that orders and documents are judged by.

        Where no time service keeps the clock it is the collector's time, going on by the monotonic clock: for a machine
        that boots in 1970 every order would be yet to come, for one whose clock is years ahead all would be over. After
        a boot without the collector the wall clock counts where it is not behind what the collector said last.
        """
        if now.synchronised:
            return now.wall
        if self.made_unix_ns and self.fetched is not None and self.fetched.boot_id == now.boot_id:
            return self.made_unix_ns + max(0, now.mono - self.fetched.mono)
        return max(now.wall, self.made_unix_ns)

    def context(
        self,
        passage: Passage,
        now: Moment,
        site_id: str,
        goods: Literal["regulated", "free"],
        policy: Policy,
        earlier: EarlierDecision | None,
    ) -> Context:
        """Everything that a decision on the passage depends on besides it, the declarations and the policy.

        What takes all gates together is left to the collector: sightings at other gates, stays, amended versions.
        """
        now_unix_ns = self.now_unix_ns(now)
        used = self.recent.used(passage, site_id, policy.V05)
        return Context(
            now_unix_ns=now_unix_ns,
            reference_age_s=self.age_s,
            goods=goods,
            earlier=earlier,
            site_id=site_id,
            used_releases=used,
            quantities=_Left(self.registers.quantities, used),
            carriers=self.registers.carriers,
            manifest=boarding(self.registers, passage, now_unix_ns, site_id),
            document_sightings=self.recent.documents(passage),
            payments=self.registers.settlements,
            sailings=self.registers.schedule or None,
            orders=self.orders,
            selections=self.registers.selections,
            reference_awaited=self.age_s is None,
        )


class _Left(Mapping[str, Sequence[QuantityLeft]]):
    """What is left of each declaration's quantities when this passage goes on it, too, by what this gate saw.

    Only what has a fixed use for each passage: how much was weighed of a declaration takes all gates together.
    """

    def __init__(
        self,
        quantities: Mapping[str, Mapping[str, DeclarationQuantity]],
        used: Mapping[str, Sequence[UsedRelease]],
    ) -> None:
        self._quantities, self._used = quantities, used

    def __getitem__(self, declaration_id: str) -> Sequence[QuantityLeft]:
        passages = len(self._used.get(declaration_id, ())) + 1
        return [
            QuantityLeft(each.name, allowed - passages * used, each.unit)
            for each in self._quantities[declaration_id].values()
            if (allowed := _number(each.allowed)) is not None and (used := _number(each.used_per_passage)) is not None
        ]

    def __iter__(self) -> Iterator[str]:
        return iter(self._quantities)

    def __len__(self) -> int:
        return len(self._quantities)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
