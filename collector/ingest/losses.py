"""What accepted batches say is lost at the gate: told as alarms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from collector.store.alarms import LOST, Alarm


def loss_alarms(origin: str, lost: Iterable[int], messages: Mapping[int, str]) -> Iterator[Alarm]:
    """An alarm for each stretch of lost records, and for each loss of devices' messages.

    `lost` are the records' indices, rising; `messages` is what the record of a loss says, by its index.
    """
    for first, last in runs(lost):
        words = (
            f"record {first} is lost at the gate: its hash is under the agent's signature, its bytes are gone"
            if first == last
            else f"records {first} to {last} are lost at the gate: their hashes are under the agent's signature, "
            "their bytes are gone"
        )
        yield Alarm(origin, LOST, words, first)
    for index, text in messages.items():
        yield Alarm(origin, LOST, f"record {index}: {text}", index)


def runs(indices: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of each stretch of rising indices without a gap."""
    found: dict[int, tuple[int, int]] = {}
    for index, number in zip(indices, count()):
        first, _ = found.get(index - number, (index, index))
        found[index - number] = (first, index)
    return list(found.values())
