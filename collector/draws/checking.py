"""Every draw of a day, made again from the ledger alone: what does not come out as it was recorded is named. Pure.

What is believed is the ledger: its entries are under the collector's signature, and everything that a draw followed
from is among them: commitment and seed, officers, credit classes, policies, declarations. The ledger is read twice, so
that not every declaration there ever was must be remembered.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from google.protobuf.message import DecodeError

from collector.cases.core import COLLECTOR, draw_subject
from collector.draws.days import DAY, day_of, end_of, over_at
from collector.draws.rates import policy_of
from collector.draws.roster import on_duty
from gate_contract.draws import TEN_THOUSAND, DrawError, commitment, draw
from gate_contract.release import check_selection
from gate_contract.rules import Policy
from gate_contract.v1 import case_pb2
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.ledger_pb2 import DrawSeed, LedgerEntry
from gate_contract.v1.order_pb2 import Officer

T = TypeVar("T")

PUBLISHED_BY: Final = 3 * DAY
"""So long after a day is over its seed is published at the latest ([draws] publish_after_hours)."""

Entries = Callable[[], Iterable[tuple[int, bytes]]]
"""Reads (index, serialised LedgerEntry) of all entries in order, from the first one, each time it is called."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One draw that was made again.

    Attributes:
        kind: "declaration" or "case".
        subject: the declaration's or case's id.
        index: of its entry in the ledger.
        drawn: whether it was drawn; a case's officer always is.
        officer: who was drawn; "" when nobody was.
        fault: why it does not hold; "" when it does.
        late_seed: the declaration was known before the commitment: whoever made the seed may have known what for.
    """

    kind: str
    subject: str
    index: int
    drawn: bool
    officer: str
    fault: str
    late_seed: bool = False


@dataclass(frozen=True, slots=True)
class DayCheck:
    """What a check found.

    Attributes:
        day: the day, UTC.
        faults: what is wrong with the day as a whole: its seed, declarations that were never drawn for.
        draws: all draws of the day that were made again, in the ledger's order.
        secret: the seed is committed to and not published yet: nothing can be made again, and nothing is wrong.
        recorded: draws of the day that the ledger has.
    """

    day: str
    faults: tuple[str, ...]
    draws: tuple[Checked, ...]
    secret: bool = False
    recorded: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything does; what cannot be checked yet does not."""
        return not self.secret and not self.faults and not any(each.fault for each in self.draws)


@dataclass(slots=True)
class _Day:
    """What the first reading finds: seed and commitments of the day, and what came and was drawn on it.

    `last_ns` is when the newest entry was made.
    """

    committed: list[tuple[int, bytes]] = field(default_factory=list)
    published: list[tuple[int, DrawSeed]] = field(default_factory=list)
    undrawn: set[str] = field(default_factory=set)
    selected: set[str] = field(default_factory=set)
    cases: int = 0
    last_ns: int = 0

    @property
    def recorded(self) -> int:
        return len(self.selected) + self.cases


def check_day(entries: Entries, day: str, policy: Policy, authority: str) -> DayCheck:
    """Make all draws of a day again.

    Args:
        entries: of the ledger.
        day: "YYYY-MM-DD", UTC.
        policy: where the ledger has none at that time.
        authority: whose officers are drawn for declarations.
    """
    found = _first_reading(entries, day)
    if len(found.committed) == 1 and not found.published and found.last_ns < end_of(day) + PUBLISHED_BY:
        return DayCheck(day, (), (), secret=True, recorded=found.recorded)
    faults = list(_seed_faults(found, day))
    draws: tuple[Checked, ...] = ()
    if found.committed and not faults:
        again = _Again(day, found, policy, authority)
        draws = tuple(again.run(entries))
    faults += [f"declaration {each} came on that day and was never drawn for" for each in sorted(found.undrawn)]
    return DayCheck(day, tuple(faults), draws, recorded=found.recorded)


def _first_reading(entries: Entries, day: str) -> _Day:
    found = _Day()
    for index, entry in _read(entries):
        kind = entry.WhichOneof("body")
        found.last_ns = entry.entered_unix_ns
        if kind == "draw_seed" and entry.draw_seed.day == day:
            if entry.draw_seed.seed:
                found.published.append((index, entry.draw_seed))
            else:
                found.committed.append((index, entry.draw_seed.commitment))
        elif kind == "declaration" and entry.declaration.version == 1 and day_of(entry.entered_unix_ns) == day:
            if over_at(entry.declaration) > entry.entered_unix_ns:
                found.undrawn.add(entry.declaration.declaration_id)
        elif kind == "item" and entry.item.kind == pb.ITEM_KIND_SELECTION:
            found.undrawn.discard(entry.item.key)
            if pb.Selection.FromString(entry.item.body).day == day:
                found.selected.add(entry.item.key)
        elif kind == "case_event":
            found.cases += _is_draw(entry.case_event, day)
    return found


def _is_draw(event: case_pb2.CaseEvent, day: str) -> bool:
    """Whether it is the draw of a case's officer, on that day."""
    drawn = event.kind == case_pb2.CASE_EVENT_KIND_ASSIGNED and event.actor == COLLECTOR
    return drawn and day_of(event.at_unix_ns) == day


def _seed_faults(found: _Day, day: str) -> Iterator[str]:
    if not found.committed:
        if found.recorded:
            yield f"no seed was committed to for {day}, and the ledger has {found.recorded} draws of that day"
    elif len(found.committed) != 1:
        yield f"{len(found.committed)} commitments are entered for {day}, not one"
    elif not found.published:
        yield f"the seed of {day} is not published, and the ledger goes on for days after it was due"
    else:
        (_, promised) = found.committed[0]
        for index, seed in found.published:
            try:
                holds = hmac.compare_digest(commitment(seed.seed), promised)
            except DrawError:
                holds = False
            if not holds:
                yield f"the seed in ledger entry {index} is not the one that was committed to"


class _Again:
    """The second reading: what stood in the registers at each moment, and the draws that followed from it."""

    def __init__(self, day: str, found: _Day, policy: Policy, authority: str) -> None:
        self._day, self._found, self._policy, self._authority = day, found, policy, authority
        self._committed_index, self._commitment = found.committed[0]
        self._published_index, published = found.published[0]
        self._seed = published.seed
        self._officers: dict[str, Officer] = {}
        self._classes: dict[str, str] = {}
        self._policies: dict[str, str] = {}
        self._declared: dict[str, tuple[int, str]] = {}  # of those drawn on the day: ledger index, declarant
        self._cases: dict[str, tuple[str, int]] = {}  # authority, openings

    def run(self, entries: Entries) -> Iterator[Checked]:
        """In the ledger's order."""
        for index, entry in _read(entries):
            kind = entry.WhichOneof("body")
            if kind == "declaration":
                declared = entry.declaration
                if declared.version == 1 and declared.declaration_id in self._found.selected:
                    self._declared[declared.declaration_id] = index, declared.declarant_id
            elif kind == "item":
                yield from self._item(index, entry.item)
            elif kind == "case_event":
                yield from self._case_event(index, entry.case_event)

    def _item(self, index: int, item: pb.RegisterItem) -> Iterator[Checked]:
        if item.kind == pb.ITEM_KIND_OFFICER:
            _put(self._officers, item, Officer.FromString(item.body))
        elif item.kind == pb.ITEM_KIND_CREDIT:
            _put(self._classes, item, pb.CreditRecord.FromString(item.body).credit_class)
        elif item.kind == pb.ITEM_KIND_POLICY:
            _put(self._policies, item, pb.PolicyText.FromString(item.body).toml)
        elif item.kind == pb.ITEM_KIND_SELECTION and item.key in self._found.selected:
            selection = pb.Selection.FromString(item.body)
            fault = next(self._faults(index, item, selection), "")
            late = self._declared.get(item.key, (0, ""))[0] < self._committed_index
            yield Checked("declaration", item.key, index, selection.drawn, selection.officer_id, fault, late)

    def _faults(self, index: int, item: pb.RegisterItem, selection: pb.Selection) -> Iterator[str]:
        """Why a selection does not hold, the plainest reason first."""
        if item.version != 1 or item.withdrawn:
            yield "it was drawn for again, or its draw was taken back"
        if item.key != selection.declaration_id:
            yield f"it says that it is of {selection.declaration_id}"
        if not self._committed_index < index < self._published_index:
            yield "it was drawn before its seed was committed to, or after the seed was published"
        if item.key not in self._declared:
            yield "it was drawn before it was declared"
            return
        known = self._classes.get(self._declared[item.key][1], "")
        if selection.credit_class != known:
            yield f"its class is {selection.credit_class!r}; the credit register said {known!r}"
        roster = on_duty(self._officers.values(), self._authority, selection.selected_unix_ns)
        if list(selection.roster) != roster:
            yield f"its roster is {_listed(selection.roster)}; on duty were {_listed(roster)}"
        policy = policy_of(self._policies, item.site_id, self._policy)
        try:
            check_selection(selection, self._seed, self._commitment, policy)
        except DrawError as error:
            yield str(error)

    def _case_event(self, index: int, event: case_pb2.CaseEvent) -> Iterator[Checked]:
        if event.kind == case_pb2.CASE_EVENT_KIND_OPENED:
            self._cases[event.case_id] = event.authority, 1
        authority, openings = self._cases.get(event.case_id, ("", 0))
        if event.kind == case_pb2.CASE_EVENT_KIND_REOPENED:
            self._cases[event.case_id] = authority, openings + 1
        if _is_draw(event, self._day):
            roster = on_duty(self._officers.values(), authority, event.at_unix_ns)
            again = draw(self._seed, draw_subject(event.case_id, openings), TEN_THOUSAND, roster).officer
            fault = ""
            if not self._committed_index < index < self._published_index:
                fault = "it was drawn before its seed was committed to, or after the seed was published"
            elif again != event.assignee:
                fault = f"recorded as drawn for {event.assignee}, but the seed and the roster give {again or 'nobody'}"
            yield Checked("case", event.case_id, index, True, event.assignee, fault)


def _put(register: dict[str, T], item: pb.RegisterItem, said: T) -> None:
    if item.withdrawn:
        register.pop(item.key, None)
    else:
        register[item.key] = said


def _read(entries: Entries) -> Iterator[tuple[int, LedgerEntry]]:
    for index, body in entries():
        try:
            yield index, LedgerEntry.FromString(body)
        except DecodeError:
            continue  # the audit names it


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nobody"
