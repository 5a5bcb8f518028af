from __future__ import annotations

from collector.store.digest import row_digest


def test_a_digest_depends_on_every_column_and_not_on_their_order() -> None:
    row = {"origin": "口岸", "at_ns": 17, "body_sha256": b"\x01\x02"}
    assert row_digest(row) == row_digest(dict(reversed(row.items())))
    for name, other in (("origin", "口岩"), ("at_ns", 18), ("body_sha256", b"\x01\x03")):
        assert row_digest(row | {name: other}) != row_digest(row)
