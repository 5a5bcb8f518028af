"""Everything that reads bytes from outside takes any bytes: the kept corpus, damaged captures, Hypothesis's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import seeds, targets

NAMES = sorted(targets())


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_corpus_and_the_captures_are_taken(name: str) -> None:
    for seed in seeds(name):
        targets()[name](seed)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_bytes_are_taken(name: str, data: st.DataObject) -> None:
    kept = [seed[:4096] for seed in seeds(name)] or [b""]
    base = bytearray(data.draw(st.sampled_from(kept)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(base)))
        base[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
    targets()[name](bytes(base))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(data=st.binary(max_size=600))
def test_noise_is_taken(name: str, data: bytes) -> None:
    targets()[name](data)
