"""What the collector is told before the story begins: officers, orders, sailings, credit, policy, declarations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_agent.simulate.programs import run_command
from edge_agent.simulate.story import files
from edge_agent.simulate.story.declared import Said
from edge_agent.simulate.story.officers import Officers
from edge_agent.simulate.story.passengers import Boarding
from edge_agent.simulate.story.telling import Telling

POLICY = """\
# So that the demo can say beforehand who is drawn: of good and unknown declarants nobody, of warned ones everybody.
[release]
good_of_ten_thousand = 0
unknown_of_ten_thousand = 0
warned_of_ten_thousand = 10000
"""

Sailings = Iterable[tuple[str, str, datetime, bool]]
"""(sailing id, site id, departure, cancelled) of each."""


class Setting:
    """Runs the collector's own commands, like an operator."""

    def __init__(self, directory: Path, collector_config: Path) -> None:
        """`directory` takes the files that are imported."""
        directory.mkdir()
        self._directory, self._config = directory, collector_config
        self.officers = Officers(directory / "officers", collector_config)

    def policy(self) -> None:
        """In force at every site."""
        self._run("policies", "set", self._file("policy.toml", POLICY))

    def sailings(self, sailings: Sailings) -> None:
        """The schedule."""
        self._run("sailings", "import", self._file("sailings.csv", files.sailings_csv(sailings)))

    def manifest(self, boarding: Boarding) -> None:
        """Of one sailing."""
        file = self._file(f"{boarding.sailing_id}.csv", files.manifest_csv(boarding.tickets))
        self._run("manifests", "import", "--sailing", boarding.sailing_id, file)
        file.unlink()

    def heads(self, boarding: Boarding) -> None:
        """Counted on board."""
        self._run("sailings", "heads", boarding.sailing_id, str(boarding.heads))

    def credit(self, tellings: Iterable[Telling]) -> None:
        """Classes of declarants that have one."""

        def rate(telling: Telling) -> None:
            reason = "told by the demo"
            self._run("credit", "set", telling.said.declarant_id, telling.credit_class, "--reason", reason)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(rate, [each for each in tellings if each.credit_class]))

    def declarations(self, name: str, declarations: Sequence[Said]) -> None:
        """Versions, all in one file."""
        self._run("declarations", "import", self._file(f"{name}.json", files.declarations_json(declarations)))

    def registers(self, tellings: Sequence[Telling]) -> None:
        """Carriers and settlements; the declarations must be known."""
        carriers, settlements = files.carriers_csv(tellings), files.settlements_csv(tellings)
        self._run("registers", "import", "--kind", "carrier", self._file("carriers.csv", carriers))
        self._run("registers", "import", "--kind", "settlement", self._file("settlements.csv", settlements))

    def orders(self, tellings: Iterable[Telling], short_s: float) -> datetime:
        """One order that holds, and one for so many seconds; when that has expired."""
        plates: dict[str, list[str]] = {"hold": [], "expired": []}
        for each in tellings:
            if each.ordered:
                plates[each.ordered].append(each.said.vehicle_plate)
        self.officers.order("demo-hold", plates["hold"], datetime.now(UTC) + timedelta(days=1))
        expires = datetime.now(UTC) + timedelta(seconds=short_s)
        self.officers.order("demo-short", plates["expired"], expires)
        return expires

    def _file(self, name: str, text: str) -> Path:
        path = self._directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def _run(self, *arguments: str | Path) -> None:
        run_command("gate-collector", *arguments, "--config", self._config)
