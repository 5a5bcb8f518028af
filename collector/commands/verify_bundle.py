"""`gate-collector verify-bundle`: checks a bundle with nothing but the collector's public keys."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from collector.errors import CollectorError
from collector.ledger.verification import BundleError, Proved, Verification
from gate_contract.checkpoint import NoteError, Verifier, parse_keys
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.ledger_pb2 import Verdict

_NS = 1_000_000_000


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--trust",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The collector's verifier keys, as `gate-collector keys` prints them.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify_bundle(file: Path, trust: Path, as_json: bool) -> None:
    """Check the bundle FILE, step by step, without database, network or configuration.

    The exit code is 0 when everything holds and 1 when not.
    """
    verification = Verification(_read(file), read_keys(trust))
    proved, failure = None, None
    try:
        proved = verification.run()
    except BundleError as error:
        failure = error
    if as_json:
        _print_json(verification, proved, failure)
    else:
        _print_words(verification, proved, failure)
    sys.exit(0 if failure is None else 1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CollectorError(f"{path} cannot be read", cause=str(error.strerror)) from error


def read_keys(path: Path) -> dict[str, Verifier]:
    """Verifier keys by name, as `gate-collector keys` prints them; CollectorError when the file holds none."""
    try:
        return parse_keys(_read(path).decode().splitlines())
    except (NoteError, UnicodeDecodeError) as error:
        raise CollectorError(
            f"{path} holds no verifier keys", cause=str(error), fix="write it with `gate-collector keys > KEYS`"
        ) from None


def _print_json(verification: Verification, proved: Proved | None, failure: BundleError | None) -> None:
    result: dict[str, Any] = {
        "holds": failure is None,
        "steps": [{"number": step.number, "text": step.text} for step in verification.steps],
    }
    if failure is not None:
        result["failed"] = {"number": failure.step, "text": str(failure)}
    if proved is not None:
        result["record"] = {
            "origin": proved.origin,
            "index": proved.index,
            "agent_id": proved.agent_id,
            "site_id": proved.site_id,
            "durable_unix_s": proved.durable_unix_s,
            "decoded": None if proved.record is None else _plain(proved.record),
        }
        result["verdicts"] = [_plain(verdict) for verdict in proved.verdicts]
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def _print_words(verification: Verification, proved: Proved | None, failure: BundleError | None) -> None:
    for step in verification.steps:
        click.echo(f"{step.number:2}. {step.text}")
    if failure is not None:
        click.echo(f"{failure.step:2}. FAILED: {failure}")
        click.echo("\nThis file proves nothing.")
    if proved is not None:
        click.echo(f"\n{_in_words(proved)}")


def _in_words(proved: Proved) -> str:
    signed = (
        f"Proved: agent {proved.agent_id} of site {proved.site_id} signed this record as number {proved.index} of its "
        f"journal, and the collector held it at the latest on {_time(proved.durable_unix_s)}. Nobody can have changed "
        "it, its place, or anything before it since without a second history under the same signatures."
    )
    paragraphs = [signed]
    if proved.record is None:
        paragraphs.append(f"The record ({len(proved.record_bytes)} bytes) is of no kind that this release reads.")
    else:
        shown = json.dumps(_plain(proved.record), indent=2, ensure_ascii=False)
        paragraphs.append(f"The record:\n{shown}")
    paragraphs += [_verdict(verdict) for verdict in proved.verdicts]
    if proved.verdicts:
        paragraphs.append("Verdicts are what the collector decided; that there is no later one, no bundle can prove.")
    return "\n\n".join(paragraphs)


def _verdict(verdict: Verdict) -> str:
    decision = verdict.decision
    action = Action.Name(decision.action).removeprefix("ACTION_").lower()
    lines = [f"Verdict {verdict.sequence}, {_time(decision.decided_unix_ns // _NS)}: {action}"]
    lines += [f"  {finding.code}: {finding.explanation}" for finding in decision.findings]
    return "\n".join(lines)


def _plain(message: Message) -> dict[str, Any]:
    """With the field names of the .proto files."""
    return MessageToDict(message, preserving_proto_field_name=True)


def _time(unix_s: int) -> str:
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        return f"{unix_s} s after 1970-01-01 UTC"
