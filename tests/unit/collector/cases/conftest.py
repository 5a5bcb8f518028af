from __future__ import annotations

from tests.unit.collector.cases.bureau import bureau, empty_bureau

__all__ = ["bureau", "empty_bureau"]
