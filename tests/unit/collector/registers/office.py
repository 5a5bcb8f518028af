"""A register of officers at a small collector, and orders that they sign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.declarations.values import UnfitError
from collector.registers import officers as officer_register
from collector.registers import orders as register
from collector.registers.intake import Entered
from collector.registers.order_files import read_draft
from gate_contract.orders import DAY, Opened, Role
from gate_contract.v1.decision_pb2 import ACTION_HOLD
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder
from tests.unit.collector.collected import DEPLOYMENT, Collected

HOUR = DAY // 24
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("wang", "li", "chen", "stranger")
}

DRAFT = """
order_id = "HK-17"
authority = "customs"
legal_basis = "Customs Law, article 6"
valid_from = 2026-03-01T18:00:00+08:00
expires = 2026-03-08T18:00:00+08:00
sites = ["xinhai"]
direction = "outbound"
action = "inspect"
instruction = "Open the trailer and count the drums."
instruction_zh = "打开挂车并清点桶数。"

[[about]]
plate = "琼a·12345"
[[about]]
container = "csqu3054383"
[[about]]
declaration = "D-1"
[[about]]
hs_prefix = "2204"
[[about]]
declarant = "91460100MA5T0001XA"
[[about]]
document = { sailing = "HN-1", issuer = "CHN", number = "E 1234 5678" }
"""


def pseudonyms(*document: str) -> bytes:
    if document[0] != "HN-1":
        raise UnfitError(f"the sailing {document[0]} is not known")
    return "/".join(document).encode().ljust(32)


def drafted(text: str = DRAFT, now: int = 0) -> ControlOrder:
    return read_draft(text, DEPLOYMENT, lambda _order_id: 1, pseudonyms, now)


class Office(Collected):
    """A collector with three officers: two of customs, one of the police."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        for name, authority in (("wang", "customs"), ("li", "customs"), ("chen", "police")):
            self.add(name, authority=authority)

    def add(self, name: str, key: str = "", **changed: Any) -> Entered | None:
        fields: dict[str, Any] = {"authority": "customs", "author": True, "approver": True} | changed
        public = KEYS[key or name].public_key().public_bytes_raw()
        officer = Officer(officer_id=name, public_key=public, **fields)
        with self.store.write() as connection:
            return officer_register.add(connection, self.ledger, officer, self.now_ns)

    def end(self, name: str, at: int, acts_until: int = 0) -> Officer:
        with self.store.write() as connection:
            return officer_register.end(connection, self.ledger, name, at, self.now_ns, acts_until)

    def order(self, **changed: Any) -> ControlOrder:
        fields: dict[str, Any] = {
            "format": 1,
            "order_id": "HK-17",
            "version": 1,
            "authority": "customs",
            "legal_basis": "Customs Law, article 6",
            "issued_unix_ns": self.now_ns,
            "valid_from_unix_ns": self.now_ns,
            "expires_unix_ns": self.now_ns + DAY,
            "selectors": [Selector(plate="琼A12345")],
            "action": ACTION_HOLD,
            "deployment": DEPLOYMENT,
        } | changed
        return ControlOrder(**fields)

    def enter(self, order: ControlOrder, author: str = "wang", approver: str = "li") -> tuple[Opened, Entered | None]:
        return self.hand_in(signed(order, author, approver))

    def hand_in(self, data: bytes) -> tuple[Opened, Entered | None]:
        with self.store.write() as connection:
            return register.enter_order(connection, self.ledger, data, self.now_ns)

    def standing(self, at: int | None = None) -> dict[str, str]:
        with self.store.read() as connection:
            known = register.known_orders(connection, self.now_ns if at is None else at)
        return {each.order.order_id: each.standing for each in known}


def signed(order: ControlOrder, author: str = "wang", approver: str = "li") -> bytes:
    data = SignedOrder(order=order.SerializeToString(deterministic=True)).SerializeToString()
    roles: tuple[tuple[Role, str], ...] = (("author", author), ("approver", approver))
    for role, name in roles:
        data = register.add_signature(data, "the file", role, name, KEYS[name])
    return data
