"""Acts as they are handed over: what is written is read, everything else is refused."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.model.handed_act import (
    MOST_ACT_BYTES,
    MOST_PHOTOS,
    Handed,
    HandedError,
    frame,
    handed_bytes,
    read_handed,
)


@given(st.binary(min_size=1, max_size=40), st.lists(st.binary(min_size=1, max_size=40), max_size=MOST_PHOTOS))
def test_what_is_written_is_read(signed: bytes, photos: list[bytes]) -> None:
    handed = Handed(signed, tuple(photos))
    assert read_handed(BytesIO(handed_bytes(handed)).read) == handed


@given(st.binary(min_size=1, max_size=20), st.data())
def test_what_is_cut_off_is_refused(signed: bytes, data: st.DataObject) -> None:
    whole = handed_bytes(Handed(signed, (b"photo",)))
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(HandedError, match="cut off"):
        read_handed(BytesIO(whole[:end]).read)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_act_or_refused(data: bytes) -> None:
    with suppress(HandedError):
        assert read_handed(BytesIO(data).read).signed


def test_what_is_too_large_is_refused_before_it_is_taken() -> None:
    taken: list[int] = []

    def take(size: int) -> bytes:
        taken.append(size)
        return (MOST_ACT_BYTES + 1).to_bytes(4, "big")

    with pytest.raises(HandedError, match="at most"):
        read_handed(take)
    assert taken == [4]
    with pytest.raises(HandedError, match="more than"):
        read_handed(BytesIO(handed_bytes(Handed(b"act", (b"photo",) * (MOST_PHOTOS + 1)))).read)
    with pytest.raises(HandedError, match="no act"):
        read_handed(BytesIO(frame(b"") + frame(b"")).read)
