from __future__ import annotations

from tests.unit.collector.reconcile.conftest import island

__all__ = ["island"]
