"""The index that counts while others are made."""

from __future__ import annotations

import threading

import pytest

from edge_agent.reference import bookings as module
from edge_agent.reference.bookings import Bookings
from gate_contract.rules.layers import LayeredBookings
from gate_contract.v1.declaration_pb2 import Declaration

DEADLINE_S = 60.0


def declarations(first: int, count: int) -> dict[str, Declaration]:
    numbers = range(first, first + count)
    return {f"D-{n}": Declaration(declaration_id=f"D-{n}", version=1, vehicle_plate=f"琼A{n:05}") for n in numbers}


def test_many_declarations_are_indexed_beside_the_start_and_a_question_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 10)
    assert len(Bookings(declarations(0, 50)).index()) == 50


def test_what_comes_while_layers_are_joined_counts_at_once_and_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    joined = threading.Event()

    def slow(book: LayeredBookings) -> LayeredBookings:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        joined.set()
        return real(book)

    real = LayeredBookings.tidied
    monkeypatch.setattr("gate_contract.rules.layers.MOST_AT_ONCE", 10)
    monkeypatch.setattr(LayeredBookings, "tidied", slow)
    book = Bookings(declarations(0, 10))
    book.change(declarations(10, 5))
    assert begun.wait(DEADLINE_S)
    for number in range(15, 25):
        book.change(declarations(number, 1))
        assert len(book.index()) == number + 1
    book.change({"D-3": None})
    assert book.index().exact("琼A00003") == []
    go_on.set()
    assert joined.wait(DEADLINE_S)
    for _ in range(5):
        book.change(declarations(25, 1))
    assert len(book.index()) == 25
    assert [each.declaration_id for each in book.index().exact("琼A00024")] == ["D-24"]
    assert book.index().exact("琼A00003") == []
