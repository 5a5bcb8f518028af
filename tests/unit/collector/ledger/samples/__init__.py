"""Rows for the audit's tests: each module fills its own tables, with the code that fills them in earnest."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.collector.collected import Collected
from tests.unit.collector.ledger.samples import cases, gate, registers

SAMPLES: tuple[Callable[[Collected], None], ...] = (registers.fill, gate.fill, cases.fill)
"""Called after the journals and declarations were taken in, and before the reconciler runs."""
