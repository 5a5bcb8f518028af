from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.ledger.proving import prove
from collector.ledger.verification import BundleError, Proved, Verification
from collector.reconcile.service import Reconciler
from gate_contract.checkpoint import Note, Verifier
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.unit.collector.collected import DEPLOYMENT, Agent, Collected, passage, probes
from tests.unit.collector.ledger.samples import registers


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    made = Collected(tmp_path_factory.mktemp("bundles"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def agent(collected: Collected) -> Agent:
    """A journal with a judged passage p1 in two revisions, and others and entries of registers around it."""
    agent, other = collected.admit("gate-1"), collected.admit("gate-2", b"b")
    config = CollectorConfig(deployment=DEPLOYMENT, state_dir=collected.state_dir)
    reconciler = Reconciler(collected.store, collected.ledger, config)
    for records in ([*probes(280), passage("p1")], [passage("p1", 2), b"\xff\xff"], probes(3, 280)):
        collected.accept(agent, *records)
        reconciler.run_once(collected.now_ns)
    registers.fill(collected)
    collected.accept(other, passage("p1"), passage("p2"))
    reconciler.run_once(collected.now_ns)
    collected.admit("gate-3", b"c")
    collected.admit("gate-3", b"d")
    return agent


@pytest.fixture(scope="module")
def trusted(collected: Collected) -> dict[str, Verifier]:
    return {key.name: key for key in (collected.ledger.verifier, collected.receipts.verifier)}


def bundle(collected: Collected, name: str) -> bytes:
    with collected.store.read() as connection:
        return prove(connection, name).to_bytes()


def verify(data: bytes, trusted: dict[str, Verifier]) -> Proved:
    return Verification(data, trusted).run()


@pytest.mark.parametrize("index", [0, 255, 256, 279, 285])
def test_any_record_is_proved_by_a_bundle(
    collected: Collected, agent: Agent, trusted: dict[str, Verifier], index: int
) -> None:
    proved = verify(bundle(collected, f"{agent.origin}#{index}"), trusted)
    assert (proved.origin, proved.index) == (agent.origin, index)
    assert (proved.agent_id, proved.site_id) == ("gate-1", "haikou")
    assert proved.record_bytes == agent.records[index]
    assert proved.verdicts == ()


def test_a_passage_is_proved_with_the_verdicts_on_it(
    collected: Collected, agent: Agent, trusted: dict[str, Verifier]
) -> None:
    proved = verify(bundle(collected, "p1"), trusted)
    assert (proved.origin, proved.index) == (agent.origin, 281)
    assert proved.record is not None
    assert proved.record.passage.revision == 2
    assert [(verdict.sequence, verdict.revision) for verdict in proved.verdicts] == [(2, 2)]
    first = verify(bundle(collected, "gate-1#280"), trusted)
    assert [(verdict.sequence, verdict.revision) for verdict in first.verdicts] == [(1, 1)]


def test_a_dead_letter_is_proved_without_being_understood(
    collected: Collected, agent: Agent, trusted: dict[str, Verifier]
) -> None:
    proved = verify(bundle(collected, f"{agent.agent_id}#282"), trusted)
    assert (proved.record, proved.record_bytes) == (None, b"\xff\xff")


def test_the_steps_say_what_holds(collected: Collected, agent: Agent, trusted: dict[str, Verifier]) -> None:
    verification = Verification(bundle(collected, "p1"), trusted)
    verification.run()
    assert [step.number for step in verification.steps] == list(range(1, 11))
    texts = "\n".join(step.text for step in verification.steps)
    assert "admits the key of agent gate-1 for site haikou" in texts
    assert "record 281 under the agent's checkpoint" in texts
    assert agent.origin in texts


def test_one_changed_byte_anywhere_in_the_file_is_found(collected: Collected, trusted: dict[str, Verifier]) -> None:
    data = bundle(collected, "gate-2#0")
    verify(data, trusted)
    passed = []
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            verify(bytes(changed), trusted)
        except BundleError:
            continue
        passed.append(at)
    assert passed == []


@pytest.mark.parametrize("name", ["gate-1#286", "gate-1#99999999999999999999"])
def test_a_record_that_is_not_there_cannot_be_proved(collected: Collected, agent: Agent, name: str) -> None:
    with pytest.raises(CollectorError, match=f"there is no record {name}. the journal {agent.origin} holds 286"):
        bundle(collected, name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("p99", "there is no passage 'p99'.*ORIGIN#INDEX"),
        ("gate-9#1", "there is no journal or agent 'gate-9'"),
        ("gate-1#-1", "there is no passage"),
        ("gate-3#0", "agent gate-3 has 2 journals.*name one of them: d.example/agent/gate-3/"),
    ],
)
def test_a_name_that_means_nothing_is_explained(collected: Collected, agent: Agent, name: str, why: str) -> None:
    assert agent.records
    with pytest.raises(CollectorError, match=why):
        bundle(collected, name)


def changed(data: bytes, **replacements: Any) -> bytes:
    """The bundle with fields replaced, in its one form again; a dot in a name is two underscores."""
    value = json.loads(data)
    for path, replacement in replacements.items():
        *inner, last = path.split("__")
        part = value
        for name in inner:
            part = part[name]
        part[last] = replacement(part[last]) if callable(replacement) else replacement
    return (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def again(text: str) -> str:
    """Base64 of a ledger entry with another time."""
    entry = LedgerEntry.FromString(base64.b64decode(text))
    entry.entered_unix_ns += 1
    return base64.b64encode(entry.SerializeToString()).decode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": "tidegate-bundle/2"}, "is no bundle: format: Input should be"),
        ({"more": 1}, "is no bundle: more: Extra inputs"),
        ({"record__more": 1}, "is no bundle: record.more: Extra inputs"),
        ({"record__index": True}, "is no bundle: record.index"),
        ({"record__index": 280.0}, "is no bundle: record.index"),
        ({"record__index": 2**63}, "is no bundle: record.index"),
        ({"record__index": 282}, "the record is not under the checkpoint"),
        ({"record__index": 286}, "leaf 286 is not in a tree of 286 leaves"),
        ({"record__data": "AAAA"}, "the record is not under the checkpoint"),
        ({"record__data": "!"}, "the record is not base64"),
        ({"record__proof": []}, "fewer than leaf 281 of 286 needs"),
        ({"record__proof": lambda proof: [*proof, proof[0]]}, "more than leaf 281 of 286 needs"),
        ({"record__proof": lambda proof: [proof[0][:-2] + "==", *proof[1:]]}, "is not"),
        ({"record__origin": "d.example/agent/gate-2/0"}, "the admission is not that of this journal"),
        ({"record__origin": "e.example/agent/gate-1/0"}, "e.example/ledger is not among the trusted keys"),
        ({"ledger__admission__data": again}, "the admission is not under the checkpoint of d.example/ledger"),
        ({"ledger__growth__data": again}, "the growth of the journal is not under the checkpoint"),
        ({"ledger__checkpoint": "x"}, "the ledger's checkpoint does not hold"),
        ({"receipt": "x\n\n"}, "the receipt does not hold"),
        ({"receipt": "\ud800"}, "not written in the one form|is no bundle"),
        ({"ledger__verdicts": lambda verdicts: verdicts * 2}, "the verdicts are not in their order"),
    ],
)
def test_each_lie_is_found_by_name(
    collected: Collected, trusted: dict[str, Verifier], change: dict[str, Any], why: str
) -> None:
    data = json.loads(bundle(collected, "p1"))
    text = changed(json.dumps(data).encode(), **{k: v for k, v in change.items() if v != "\ud800"})
    if "\ud800" in change.values():
        text = text.replace(json.dumps(data["receipt"], ensure_ascii=False).encode(), b'"\\ud800"')
    with pytest.raises(BundleError, match=why):
        verify(text, trusted)


def test_the_parts_of_another_bundle_do_not_fit(collected: Collected, trusted: dict[str, Verifier]) -> None:
    mine, other = bundle(collected, "p1"), json.loads(bundle(collected, "gate-2#0"))
    ledger = other["ledger"]
    for change, why in (
        ({"ledger__admission": ledger["admission"]}, "the admission is not that of this journal's key"),
        ({"ledger__growth": ledger["growth"]}, "is not about that checkpoint of this journal"),
        ({"receipt": other["receipt"]}, "the receipt does not hold"),
        ({"ledger__verdicts": [ledger["growth"]]}, "a verdict is about another record"),
        ({"ledger__admission": ledger["growth"]}, "the admission is not that of this journal's key"),
    ):
        with pytest.raises(BundleError, match=why):
            verify(changed(mine, **change), trusted)


def test_signatures_that_nobody_can_check_are_refused(collected: Collected, trusted: dict[str, Verifier]) -> None:
    mine = bundle(collected, "p1")
    signature = Note.parse(json.loads(mine)["receipt"].encode()).signatures[0].line()
    for field in ("receipt", "ledger__checkpoint"):
        with pytest.raises(BundleError, match="signatures that nobody can check"):
            verify(changed(mine, **{field: lambda note: note + signature}), trusted)


def test_without_the_right_keys_nothing_is_proved(collected: Collected, trusted: dict[str, Verifier]) -> None:
    data = bundle(collected, "p1")
    with pytest.raises(BundleError, match=r"d\.example/ledger is not among the trusted keys \(none\)"):
        verify(data, {})
    swapped = {"d.example/ledger": trusted["d.example/collector"], "d.example/collector": trusted["d.example/ledger"]}
    with pytest.raises(BundleError, match="is not among the trusted keys"):
        verify(data, swapped)
    stranger = Verifier("d.example/ledger", b"k" * 32)
    with pytest.raises(BundleError, match="the ledger's checkpoint does not hold"):
        verify(data, {**trusted, "d.example/ledger": stranger})


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"1" * 5000, b"[" * 100_000, b'{"format": NaN}'])
def test_what_is_no_bundle_is_refused_in_words(trusted: dict[str, Verifier], data: bytes) -> None:
    with pytest.raises(BundleError, match="is no bundle") as error:
        verify(data, trusted)
    assert error.value.step == 1


def test_a_file_beyond_any_bundle_is_not_even_read(trusted: dict[str, Verifier]) -> None:
    with pytest.raises(BundleError, match="a bundle has at most"):
        verify(b" " * (16 * 1024 * 1024 + 1), trusted)


def test_white_space_is_not_free(collected: Collected, trusted: dict[str, Verifier]) -> None:
    data = bundle(collected, "p1")
    for other in (data + b"\n", data[:-1], b" " + data, json.dumps(json.loads(data)).encode()):
        with pytest.raises(BundleError, match="not written in the one form"):
            verify(other, trusted)
