"""Any time again: every verdict of it judged once more, on what was known when it was given.

Declarations, register items and other passages are taken as the ledger had them when the verdict was entered, so that
under the same rule book and policy the same decision comes out, to the byte. What is not in the ledger is taken by its
time: what officers did and which forks were found, until the moment of the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from collector.reconcile.contexts import Contexts, Goods, Prepared
from collector.reconcile.core import judge_afresh
from collector.reconcile.looks import Asked
from collector.reconcile.source import Source, select_sources
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules import Policy
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.ledger_pb2 import Verdict

MOST_AT_ONCE: Final = 200
"""Verdicts judged together at most; as many as are given together."""


@dataclass(frozen=True, slots=True)
class Span:
    """Verdicts decided in [from_ns, until_ns), nanoseconds since 1970-01-01T00:00:00Z; `site_id` "" is every site."""

    from_ns: int
    until_ns: int
    site_id: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One verdict, and what is decided now on what was known then."""

    verdict: Verdict
    ledger_index: int
    site_id: str
    lane_id: str
    now: Decision

    @property
    def identical(self) -> bool:
        """Whether the recorded decision came out again, to the byte."""
        return _bytes(self.verdict.decision) == _bytes(self.now)

    @property
    def same(self) -> bool:
        """Whether nothing is decided otherwise; under another rule book or policy their hashes differ all the same."""
        return _bytes(_bare(self.verdict.decision)) == _bytes(_bare(self.now))


@dataclass(frozen=True, slots=True)
class _Given:
    """A verdict as it was given."""

    verdict: Verdict
    ledger_index: int
    source: Source
    earlier: Verdict | None

    @property
    def asked(self) -> Asked:
        return Asked(self.source, self.earlier, self.verdict.reason, self.verdict.decision.decided_unix_ns)


def work(store: Store, span: Span) -> int:
    """How many verdicts there are to be judged again."""
    with store.read() as connection:
        return connection.scalar(_of(span, select(func.count()))) or 0


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a span: how many verdicts, how many the same to the byte, and those that would be otherwise."""

    judged: int
    identical: int
    changed: tuple[Replayed, ...]


def replay_all(
    store: Store,
    span: Span,
    policy: Policy,
    goods_of: Callable[[str, str], Goods],
    *,
    forced: bool = False,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Judge a span again, see `replay`; memory is bounded by what would be otherwise."""
    judged = identical = 0
    changed = []
    for each in replay(store, span, policy, goods_of, forced=forced, on_progress=on_progress):
        judged += 1
        identical += each.identical
        if not each.same:
            changed.append(each)
    return Report(judged, identical, tuple(changed))


def replay(
    store: Store,
    span: Span,
    policy: Policy,
    goods_of: Callable[[str, str], Goods],
    *,
    forced: bool = False,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Iterator[Replayed]:
    """Every verdict of the span, in the order in which they were given.

    Args:
        store: the collector's database; nothing is written.
        span: which verdicts.
        policy: tolerances where the register has none; those of all sites with `forced`.
        goods_of: which goods cross (site, lane).
        forced: `policy` is in force whatever the register says.
        on_progress: told how many are done.
    """
    contexts = Contexts(policy, goods_of, forced=forced)
    done = 0
    with store.read() as connection:
        for together in _together(_given(connection, span)):
            yield from _judged(connection, contexts, together)
            done += len(together)
            on_progress(done)


def _judged(connection: Connection, contexts: Contexts, together: Sequence[_Given]) -> Iterator[Replayed]:
    """Verdicts that were given together, each in the knowledge of those before it."""
    batch = contexts.read(connection, [each.asked for each in together], together[0].ledger_index)
    for number, given in enumerate(together):
        yield _replayed(given, batch.prepared(number))
        batch.given(number, given.verdict)


def _replayed(given: _Given, ready: Prepared) -> Replayed:
    now = judge_afresh(ready.waiting, ready.policy)
    return Replayed(given.verdict, given.ledger_index, given.source.site_id, ready.waiting.passage.lane_id, now)


def _given(connection: Connection, span: Span) -> Iterator[_Given]:
    """The verdicts of a span in the order of the ledger, each with the one before it on the same passage."""
    verdicts, before = schema.verdicts.c, schema.verdicts.alias("before")
    query = (
        select_sources()
        .add_columns(verdicts.body.label("verdict"), verdicts.ledger_index, before.c.body.label("before"))
        .join(
            schema.verdicts,
            (verdicts.passage_id == schema.passages.c.passage_id)
            & (verdicts.revision == schema.passages.c.revision)
            & (verdicts.journal_id == schema.passages.c.journal_id),
        )
        .outerjoin(before, (before.c.passage_id == verdicts.passage_id) & (before.c.sequence == verdicts.sequence - 1))
    )
    rows = connection.execute(_of(span, query).order_by(verdicts.ledger_index).execution_options(yield_per=500))
    for row in rows:
        yield _row(row)


def _row(row: Row[Any]) -> _Given:
    earlier = None if row.before is None else Verdict.FromString(row.before)
    return _Given(Verdict.FromString(row.verdict), row.ledger_index, Source.of(row), earlier)


def _of(span: Span, query: Select[Any]) -> Select[Any]:
    verdicts, passages = schema.verdicts.c, schema.passages.c
    within = query.where(verdicts.decided_ns >= span.from_ns, verdicts.decided_ns < span.until_ns)
    if not span.site_id:
        return within
    return within.where(
        passages.passage_id == verdicts.passage_id,
        passages.revision == verdicts.revision,
        passages.journal_id == verdicts.journal_id,
        passages.site_id == span.site_id,
    )


def _together(given: Iterator[_Given]) -> Iterator[list[_Given]]:
    """Verdicts that stand one after the other in the ledger and were given at one time."""
    rest = iter(given)
    group = list(islice(rest, 1))
    for each in rest:
        last = group[-1]
        follows = each.ledger_index == last.ledger_index + 1
        at_once = each.verdict.decision.decided_unix_ns == last.verdict.decision.decided_unix_ns
        if follows and at_once and len(group) < MOST_AT_ONCE:
            group.append(each)
        else:
            yield group
            group = [each]
    if group:
        yield group


def _bare(decision: Decision) -> Decision:
    """Without its time and the hashes."""
    bare = Decision()
    bare.CopyFrom(decision)
    bare.rule_book = bare.policy = ""
    bare.decided_unix_ns = 0
    return bare


def _bytes(decision: Decision) -> bytes:
    return decision.SerializeToString(deterministic=True)
