"""The demo's officers: two who give control orders together, and one who inspects."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.simulate.programs import run_command

AUTHOR, APPROVER, INSPECTOR = "HK-0451", "HK-0388", "HK-0777"
AUTHORITY = "customs"


class Officers:
    """Their keys, in one directory; each would have their own."""

    def __init__(self, directory: Path, collector_config: Path) -> None:
        """Nothing yet."""
        directory.mkdir()
        self._directory, self._config = directory, collector_config
        self._passphrase = secrets.token_urlsafe(24)
        os.environ["TIDEGATE_OFFICER_PASSPHRASE"] = self._passphrase  # what keygen and sign ask for

    def key_file(self, officer: str) -> Path:
        """Where an officer's key is."""
        return self._directory / f"{officer}.key"

    def appoint(self) -> None:
        """Keys made by the officers, their public halves entered by the operator."""
        for officer, rights in ((AUTHOR, "author"), (APPROVER, "approver"), (INSPECTOR, "")):
            public = run_command("gate-collector", "officers", "keygen", self.key_file(officer)).stdout.split()[-1]
            may = ("--may", rights) if rights else ()
            run_command(
                "gate-collector", "officers", "add", officer, "--authority", AUTHORITY, "--public-key", public, *may,
                "--config", self._config,
            )  # fmt: skip

    def order(self, order_id: str, plates: list[str], expires: datetime) -> None:
        """A hold on these plates, drafted, signed by both and entered."""
        draft, order = self._directory / f"{order_id}.toml", self._directory / f"{order_id}.order"
        about = "".join(f'[[about]]\nplate = "{plate}"\n' for plate in plates)
        draft.write_text(
            f'order_id = "{order_id}"\nauthority = "{AUTHORITY}"\nlegal_basis = "Customs Law, article 6"\n'
            f"expires = {expires.astimezone(UTC).isoformat(timespec='seconds')}\n"
            f'action = "hold"\ninstruction = "Hold it and call."\ninstruction_zh = "拦下并报告。"\n{about}',
            encoding="utf-8",
        )
        run_command("gate-collector", "orders", "draft", draft, "-o", order, "--config", self._config)
        for officer, role in ((AUTHOR, "author"), (APPROVER, "approver")):
            run_command(
                "gate-collector", "orders", "sign", order, "--as", officer, "--role", role, "--key",
                self.key_file(officer), "--yes",
            )  # fmt: skip
        run_command("gate-collector", "orders", "enter", order, "--config", self._config)
