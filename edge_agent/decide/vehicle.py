"""A gate's own decision: the rule book on the reference slice. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from edge_agent.model.moment import Moment
from gate_contract.rules import BookingIndex, Context, EarlierDecision, Policy, decide
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.passage_pb2 import Passage

REMEMBERED = 16
"""Decisions kept for passages that are decided again; a passage is revised within minutes."""


class Judge:
    """Decides on one lane's passages; remembers the last few decisions, because a revision supersedes one."""

    def __init__(
        self,
        site_id: str,
        goods: Literal["regulated", "free"],
        policy: Policy,
        reference: Callable[[Moment], tuple[BookingIndex, int | None]],
    ) -> None:
        """`reference` gives the declarations known at the gate and their age in seconds (None: never fetched)."""
        self._site_id, self._goods, self._policy, self._reference = site_id, goods, policy, reference
        self._earlier: OrderedDict[str, Decision] = OrderedDict()

    def __call__(self, passage: Passage, now: Moment) -> Decision:
        """The decision on a passage, by the moment's wall clock."""
        index, age_s = self._reference(now)
        earlier = self._earlier.get(passage.passage_id)
        context = Context(
            now_unix_ns=now.wall,
            reference_age_s=age_s,
            goods=self._goods,
            earlier=earlier and EarlierDecision(passage.revision_reason, earlier.action, earlier.decided_unix_ns),
            site_id=self._site_id,
        )
        decision = decide(passage, index, context, self._policy)
        self._earlier[passage.passage_id] = decision
        while len(self._earlier) > REMEMBERED:
            self._earlier.popitem(last=False)
        return decision
