"""A book that grows answers as one that was made at once."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules import layers as module
from gate_contract.rules.bookings import HOUR, Crossing, Opening
from gate_contract.rules.layers import FAN, LayeredBookings
from gate_contract.v1.declaration_pb2 import Declaration

NOON = 1_772_337_600_000_000_000
PLATES = ["琼A12345", "琼A12346", "琼B12345", "粤A99挂", "粤A98挂", ""]
POLICY = Policy.default()


def declaration(name: int, version: int, plate: str, box: str = "", departure: int = NOON) -> Declaration:
    return Declaration(
        declaration_id=f"D-{name}",
        version=version,
        site_id="xinhai",
        vehicle_plate=plate,
        containers=[box] if box else [],
        departure_unix_ns=departure,
        lodged_unix_ns=NOON,
    )


def asked(book: BookingIndex) -> list[object]:
    """Everything that can be asked of it."""
    crossings = [Crossing("xinhai", 0, at) for at in (None, NOON, NOON + 100 * HOUR)] + [Crossing("xiuying", 0, None)]
    openings = [Opening.of(crossing, POLICY) for crossing in crossings]
    return [
        len(book),
        [book.exact(plate) for plate in PLATES],
        [
            list(book.near(plate, edits, opening).items())
            for plate in PLATES
            for edits in (0, 1, 2)
            for opening in (None, *openings)
        ],
        book.with_container("CSQU3054383"),
        [book.count_open(opening) for opening in openings],
    ]


changes = st.lists(
    st.dictionaries(
        st.integers(0, 12),
        st.one_of(
            st.none(),
            st.tuples(
                st.sampled_from(PLATES),
                st.sampled_from(["", "CSQU3054383"]),
                st.sampled_from([0, NOON, NOON + 100 * HOUR]),
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    max_size=8,
)


@given(changes=changes, tidy=st.booleans(), keep=st.integers(0, 2))
def test_a_book_that_grew_answers_as_one_that_was_made_at_once(
    changes: list[dict[int, tuple[str, str, int] | None]], tidy: bool, keep: int
) -> None:
    book, counting = LayeredBookings(), dict[str, Declaration]()
    for version, change in enumerate(changes, 1):
        made = {f"D-{name}": what and declaration(name, version, *what) for name, what in change.items()}
        book = book.with_changes(made, keep=min(keep, len(book.layers)))
        counting.update({name: each for name, each in made.items() if each})
        for name in (name for name, each in made.items() if each is None):
            counting.pop(name, None)
    assert asked(book.tidied() if tidy else book) == asked(BookingIndex(counting.values()))


def test_layers_stay_few_and_one_more_declaration_indexes_few_others(monkeypatch: pytest.MonkeyPatch) -> None:
    indexed = []
    real = BookingIndex

    def counting(declarations: object) -> BookingIndex:
        book = real(declarations)  # type: ignore[arg-type]
        indexed.append(len(book))
        return book

    monkeypatch.setattr(module, "BookingIndex", counting)
    book = LayeredBookings().with_changes({f"D-{n}": declaration(n, 1, f"琼A{n:05}") for n in range(3000)})
    indexed.clear()
    for number in range(3000, 3300):
        book = book.with_changes({f"D-{number}": declaration(number, 1, f"琼A{number:05}")})
    assert len(book) == 3300
    assert len(book.layers) <= 5
    assert sum(indexed) < 300 * FAN * 5, "and not 300 times 3,000"
    assert max(indexed) < 1000


def test_what_would_take_long_is_left_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 10)
    book = LayeredBookings()
    for number in range(40):
        book = book.with_changes({f"D-{number}": declaration(number, 1, "琼A12345")})
    assert book.untidy
    tidy = book.tidied()
    assert not tidy.untidy
    assert len(tidy.layers) < len(book.layers)
    assert asked(tidy) == asked(book)


def test_every_question_to_an_index_is_answered_by_a_book() -> None:
    questions = {name for name, _ in inspect.getmembers(BookingIndex, inspect.isfunction) if not name.startswith("_")}
    assert questions <= vars(LayeredBookings).keys(), "LayeredBookings answers it from an empty index"
