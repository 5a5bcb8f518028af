"""Invitations, admission and revocation, on a real SQLite database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from collector.agents import registry
from collector.agents.authority import Issued
from collector.agents.registry import Journal
from collector.errors import EnrolmentError
from collector.store.schema import certificates, invitations, journals
from gate_contract.checkpoint import journal_origin
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.migrated import open_new

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
KEY, OTHER_KEY = sha256(b"key").digest(), sha256(b"other key").digest()


class FakeLedger:
    """Entries in a list, beginning at index 100."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []

    def append(self, _conn: Connection, entries: Sequence[LedgerEntry]) -> int:
        self.entries += entries
        return 100 + len(self.entries) - len(entries)


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    store = open_new(f"sqlite:///{tmp_path / 'collector.db'}")
    with store.write() as connection:
        yield connection
    store.close()


def invite(conn: Connection, agent: str = "gate-1", site: str = "haikou", at: datetime = NOW) -> str:
    return registry.invite(conn, agent, site, DAY, at)


def redeem(conn: Connection, ledger: FakeLedger, token: str, key: bytes = KEY, at: datetime = NOW) -> Journal:
    return registry.redeem(conn, token, key, "hainan.example", at, append_entries=ledger.append)


def revoke(conn: Connection, ledger: FakeLedger, agent: str = "gate-1", at: datetime = NOW) -> list[Journal]:
    return registry.revoke(conn, agent, "stolen", at, append_entries=ledger.append)


def states(conn: Connection, at: datetime = NOW) -> list[tuple[str, str, int]]:
    return [(each.agent_id, each.state, each.open_invitations) for each in registry.list_agents(conn, at)]


def test_a_token_is_long_and_only_its_hash_is_kept(conn: Connection) -> None:
    token = invite(conn)
    row = conn.execute(select(invitations)).mappings().one()
    assert len(token) * 6 >= 160
    assert row["token_sha256"] == sha256(token.encode()).digest()
    assert token not in repr(dict(row))
    assert row["expires_ns"] - row["created_ns"] == 86_400 * 10**9
    assert row["created_ns"] == 1_795_348_800_123_456_000


@pytest.mark.parametrize("agent", ["", "Gate-1", "gate_1", "gate 1", "x" * 64, "gate/1", "gate-1\n"])
def test_an_agent_id_outside_the_rules_is_refused(conn: Connection, agent: str) -> None:
    with pytest.raises(EnrolmentError, match="cannot be an agent id"):
        invite(conn, agent)


@pytest.mark.parametrize("site", ["", "hai kou", "../x"])
def test_a_site_id_outside_the_rules_is_refused(conn: Connection, site: str) -> None:
    with pytest.raises(EnrolmentError, match="cannot be a site id"):
        invite(conn, site=site)


def test_a_redeemed_token_admits_the_key_and_the_ledger_says_so(conn: Connection, ledger: FakeLedger) -> None:
    journal = redeem(conn, ledger, invite(conn))
    origin = journal_origin("hainan.example", "gate-1", KEY)
    assert registry.find_journal(conn, origin) == journal
    assert (journal.agent_id, journal.site_id, journal.origin) == ("gate-1", "haikou", origin)
    assert (journal.size, journal.peaks, journal.receipt, journal.dead_lettered) == (0, b"", b"", 0)
    assert journal.verifier.public_key == KEY
    assert journal.admission_index == 100
    [entry] = ledger.entries
    assert (entry.format, entry.entered_unix_ns) == (1, 1_795_348_800_123_456_000)
    assert (entry.admission.origin, entry.admission.verifier_key) == (origin, journal.verifier.vkey())
    assert (entry.admission.agent_id, entry.admission.site_id) == ("gate-1", "haikou")


def test_the_same_key_may_come_again_with_its_token_and_is_admitted_once(conn: Connection, ledger: FakeLedger) -> None:
    token = invite(conn)
    first = redeem(conn, ledger, token)
    assert redeem(conn, ledger, token, at=NOW + 30 * DAY) == first
    assert len(ledger.entries) == 1


def test_a_used_token_does_not_admit_another_key(conn: Connection, ledger: FakeLedger) -> None:
    token = invite(conn)
    redeem(conn, ledger, token)
    with pytest.raises(EnrolmentError, match="token for agent gate-1 was used on 2026-11-22 12:00 UTC by another key"):
        redeem(conn, ledger, token, OTHER_KEY)
    assert len(ledger.entries) == 1


@pytest.mark.parametrize("late", [DAY, 2 * DAY])
def test_an_expired_token_is_told_as_expired(conn: Connection, ledger: FakeLedger, late: timedelta) -> None:
    token = invite(conn)
    with pytest.raises(EnrolmentError, match="token for agent gate-1 expired on 2026-11-23 12:00 UTC"):
        redeem(conn, ledger, token, at=NOW + late)
    assert ledger.entries == []


def test_a_token_is_good_to_its_last_moment(conn: Connection, ledger: FakeLedger) -> None:
    token = invite(conn)
    assert redeem(conn, ledger, token, at=NOW + DAY - timedelta(microseconds=1)).agent_id == "gate-1"


def test_an_unknown_token_says_nothing_else(conn: Connection, ledger: FakeLedger) -> None:
    invite(conn)
    with pytest.raises(EnrolmentError, match="unknown token") as caught:
        redeem(conn, ledger, "wrong")
    assert "gate-1" not in str(caught.value)


def test_a_new_invitation_ends_the_open_one_of_the_same_agent(conn: Connection, ledger: FakeLedger) -> None:
    old, other = invite(conn), invite(conn, "gate-2")
    new = invite(conn, at=NOW + timedelta(hours=1))
    with pytest.raises(EnrolmentError, match=r"expired .* a newer invitation replaced it"):
        redeem(conn, ledger, old, at=NOW + timedelta(hours=2))
    assert redeem(conn, ledger, new, at=NOW + timedelta(hours=2)).agent_id == "gate-1"
    assert redeem(conn, ledger, other, OTHER_KEY, at=NOW + timedelta(hours=2)).agent_id == "gate-2"


def test_a_reflashed_machine_gets_a_second_journal_under_the_same_agent_id(
    conn: Connection, ledger: FakeLedger
) -> None:
    first, second = redeem(conn, ledger, invite(conn)), redeem(conn, ledger, invite(conn), OTHER_KEY)
    assert first.agent_id == second.agent_id
    assert first.origin != second.origin
    assert states(conn) == [("gate-1", "enrolled", 0)] * 2


def test_a_known_key_under_a_new_token_keeps_its_journal_and_uses_the_token_up(
    conn: Connection, ledger: FakeLedger
) -> None:
    journal = redeem(conn, ledger, invite(conn))
    token = invite(conn)
    assert redeem(conn, ledger, token) == journal
    with pytest.raises(EnrolmentError, match="was used"):
        redeem(conn, ledger, token, OTHER_KEY)


def test_a_known_key_is_not_moved_to_another_site(conn: Connection, ledger: FakeLedger) -> None:
    redeem(conn, ledger, invite(conn))
    with pytest.raises(EnrolmentError, match=r"serves site haikou, the invitation is for sanya.*empty state directory"):
        redeem(conn, ledger, invite(conn, site="sanya"))


def test_revoking_an_agent_ends_all_its_keys_and_invitations_and_the_ledger_says_so(
    conn: Connection, ledger: FakeLedger
) -> None:
    used = invite(conn)
    journals_of_it = [redeem(conn, ledger, used), redeem(conn, ledger, invite(conn), OTHER_KEY)]
    kept = redeem(conn, ledger, invite(conn, "gate-2"))
    unused = invite(conn)
    assert [each.origin for each in revoke(conn, ledger)] == [each.origin for each in journals_of_it]
    assert all(registry.is_revoked(conn, each.origin) for each in journals_of_it)
    assert not registry.is_revoked(conn, kept.origin)
    assert states(conn) == [("gate-1", "revoked", 0), ("gate-1", "revoked", 0), ("gate-2", "enrolled", 0)]
    entered = [entry.revocation for entry in ledger.entries if entry.HasField("revocation")]
    assert [(each.agent_id, each.reason) for each in entered] == [("gate-1", "stolen")] * 2
    for token in (used, unused):
        with pytest.raises(EnrolmentError, match=r"revoked on 2026-11-22 12:00 UTC.*reason: stolen"):
            redeem(conn, ledger, token)


def test_one_journal_can_be_revoked_by_its_origin(conn: Connection, ledger: FakeLedger) -> None:
    old, new = redeem(conn, ledger, invite(conn)), redeem(conn, ledger, invite(conn), OTHER_KEY)
    assert [each.origin for each in revoke(conn, ledger, old.origin)] == [old.origin]
    assert not registry.is_revoked(conn, new.origin)


def test_a_revoked_agent_can_be_invited_again_with_a_new_key(conn: Connection, ledger: FakeLedger) -> None:
    redeem(conn, ledger, invite(conn))
    revoke(conn, ledger)
    again = redeem(conn, ledger, invite(conn), OTHER_KEY)
    assert again.revoked_ns is None
    again.refuse_revoked("certificate")


def test_revoking_what_is_not_there_or_revoked_already_is_an_error(conn: Connection, ledger: FakeLedger) -> None:
    with pytest.raises(EnrolmentError, match="there is no agent gate-1"):
        revoke(conn, ledger)
    redeem(conn, ledger, invite(conn))
    revoke(conn, ledger)
    with pytest.raises(EnrolmentError, match="was revoked on"):
        revoke(conn, ledger)
    assert len(ledger.entries) == 2


def test_an_agent_that_is_only_invited_is_listed_and_can_be_uninvited(conn: Connection, ledger: FakeLedger) -> None:
    token = invite(conn)
    assert states(conn) == [("gate-1", "invited", 1)]
    assert states(conn, NOW + 2 * DAY) == []
    assert revoke(conn, ledger) == []
    assert states(conn) == []
    with pytest.raises(EnrolmentError, match="expired"):
        redeem(conn, ledger, token)


def test_the_list_shows_records_last_contact_and_the_latest_certificate(conn: Connection, ledger: FakeLedger) -> None:
    journal = redeem(conn, ledger, invite(conn))
    for number, end in enumerate([NOW + 90 * DAY, NOW + 30 * DAY]):
        registry.record_certificate(conn, journal, Issued(b"PEM", f"{number:x}", NOW, end))
    conn.execute(journals.update().values(size=7, last_seen_ns=5))
    [agent] = registry.list_agents(conn, NOW)
    assert (agent.records, agent.last_seen_ns) == (7, 5)
    assert agent.certificate_end_ns == registry.nanoseconds(NOW + 90 * DAY)
    assert {row.agent_id for row in conn.execute(select(certificates))} == {"gate-1"}


def test_nanoseconds_and_moments_are_each_other_s_inverse() -> None:
    assert registry.moment(registry.nanoseconds(NOW)) == NOW
    assert registry.nanoseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
