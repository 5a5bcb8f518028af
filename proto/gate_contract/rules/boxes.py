"""Containers as a declaration names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gate_contract.rules.amounts import Absent, Amount, amount
from gate_contract.rules.readings import container_number, seal_number
from gate_contract.v1 import declaration_pb2

_NOT_GIVEN: Final = Absent("not given")


@dataclass(frozen=True, slots=True)
class DeclaredBox:
    """One container as declared. `fullness` is None when it is not said; seals are normalised."""

    number: str
    size_type: str = ""
    fullness: Literal["empty", "loaded"] | None = None
    seals: tuple[str, ...] = ()
    tare_kilograms: Amount = _NOT_GIVEN
    verified_gross_kilograms: Amount = _NOT_GIVEN

    @classmethod
    def of(cls, box: declaration_pb2.DeclaredContainer) -> DeclaredBox:
        """Take over a message whatever is in it."""
        kinds: dict[int, Literal["empty", "loaded"]] = {
            declaration_pb2.FULLNESS_EMPTY: "empty",
            declaration_pb2.FULLNESS_LOADED: "loaded",
        }
        return cls(
            container_number(box.number),
            container_number(box.size_type),
            kinds.get(box.fullness),
            tuple(filter(None, map(seal_number, box.seals))),
            amount(box.tare_kilograms),
            amount(box.verified_gross_kilograms),
        )


def boxes_of(declaration: declaration_pb2.Declaration) -> tuple[DeclaredBox, ...]:
    """Every container that a declaration names, once each: what says more of it counts before the bare number."""
    boxes = [DeclaredBox.of(each) for each in declaration.equipment]
    bare = [DeclaredBox(container_number(number)) for number in declaration.containers]
    found: dict[str, DeclaredBox] = {}
    for box in (*boxes, *bare):
        found.setdefault(box.number, box)
    found.pop("", None)
    return tuple(found.values())
