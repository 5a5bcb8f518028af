"""A gate's own decision: the rule book on the reference slice. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from edge_agent.decide.known import Known
from edge_agent.model.moment import Moment
from gate_contract.again import asks_nobody
from gate_contract.rules import EarlierDecision, Policy, decide
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
        known: Callable[[Moment], Known],
        decided: Callable[[Passage, Decision], None] = lambda _passage, _decision: None,
    ) -> None:
        """`policy` is the site's own, for as long as the collector sent none; `known` says what is known now.

        `decided` is told each decision, so that the next ones know of it.
        """
        self._site_id, self._goods, self._policy = site_id, goods, policy
        self._known, self._decided = known, decided
        self._earlier: OrderedDict[str, Decision] = OrderedDict()

    def __call__(self, passage: Passage, now: Moment) -> Decision:
        """The decision on a passage, by the moment's wall clock or, where that cannot be right, a later time."""
        known = self._known(now)
        policy = known.policy or self._policy
        context = known.context(passage, now, self._site_id, self._goods, policy, None)
        decision = decide(passage, known.index, context, policy)
        before = self._earlier.get(passage.passage_id)
        if before is not None and not asks_nobody(passage, before, decision):
            earlier = EarlierDecision(passage.revision_reason, before.action, before.decided_unix_ns)
            decision = decide(passage, known.index, replace(context, earlier=earlier), policy)
        self._earlier[passage.passage_id] = decision
        while len(self._earlier) > REMEMBERED:
            self._earlier.popitem(last=False)
        self._decided(passage, decision)
        return decision
