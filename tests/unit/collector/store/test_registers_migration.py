from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select

from collector.store import schema
from collector.store.engine import MIGRATIONS, open_store
from gate_contract.v1.ledger_pb2 import Verdict


def test_what_verdicts_of_an_older_release_named_is_read_from_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'collector.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO journals (origin, agent_id, site_id, verifier_key, admitted_ns, admission_index, size, peaks,"
            " receipt, dead_lettered, lost, live_ahead) VALUES ('o', 'a', 's', 'k', 1, 0, 0, x'', x'', 0, 0, 0)"
        )
        for sequence, named in ((1, ("D-1",)), (2, ("D-1", "D-2"))):
            verdict = Verdict(passage_id="p1", sequence=sequence)
            for declaration_id in named:
                verdict.decision.declarations.add(declaration_id=declaration_id, version=1)
            connection.exec_driver_sql(
                "INSERT INTO verdicts (passage_id, sequence, revision, journal_id, action, decided_ns, latest,"
                " ledger_index, body) VALUES ('p1', ?, 1, 1, 1, 1, ?, ?, ?)",
                (sequence, sequence == 2, sequence, verdict.SerializeToString()),
            )
    engine.dispose()
    store = open_store(url)
    with store.read() as connection:
        rows = {tuple(row) for row in connection.execute(select(schema.verdict_declarations))}
    store.close()
    assert rows == {("D-1", "p1", 1), ("D-1", "p1", 2), ("D-2", "p1", 2)}
