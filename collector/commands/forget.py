"""`gate-collector forget`: destroys the keys that personal data is sealed under."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass

import click

from collector.commands._common import with_config
from collector.commands._show import local, plain
from collector.commands._state import check_as, existing_ledger, existing_store
from collector.config import CollectorConfig
from collector.config_retention import RetentionConfig
from collector.errors import CollectorError
from collector.privacy import forgetting
from collector.privacy.keystore import FILE, KeyEntry, KeyKind, KeyStore
from collector.privacy.opening import names_of
from collector.privacy.pictures import PICTURE, FacePictures
from collector.privacy.traces import Trace, traces
from collector.store.engine import Store


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes, and what stays: `left` are the traces on sailings whose key is not among `keys`."""

    keys: tuple[KeyEntry, ...]
    left: tuple[Trace, ...]


@click.command()
@click.option(
    "--document",
    nargs=2,
    metavar="ISSUER NUMBER",
    help="The holder of this document; for NUMBER - is read from standard input, out of sight of other users.",
)
@click.option("--subject", metavar="ID", help="A traveller by subject id, as manifests name them.")
@click.option("--sailing", metavar="ID", help="A sailing: pseudonyms, and what gates sealed of documents.")
@click.option("--case", metavar="ID", help="A case: what officers wrote in it.")
@click.option("--restored", is_flag=True, help="After a restore: every key that the ledger says was destroyed.")
@click.option("--with-sailings", is_flag=True, help="Of a person: also the keys of the sailings they were on.")
@click.option("--reason", required=True, help="Why. It stays in the ledger for ever: name nobody in it.")
@click.option("--as", "actor", required=True, metavar="OFFICER", help="Who does it, in office; it stays there too.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be destroyed.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_config
def forget(
    config: CollectorConfig,
    document: tuple[str, str] | None,
    subject: str | None,
    sailing: str | None,
    case: str | None,
    restored: bool,
    with_sailings: bool,
    reason: str,
    actor: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Destroy the key of a person, a sailing or a case. What is sealed under it can never be read again.

    Of a person the pictures of the face are deleted, too, in whatever passage the document was read.

    Name one of --document, --subject, --sailing, --case, or --restored.

    Records, registers and the ledger keep the ciphertext, so that every proof still holds, and the ledger tells who
    destroyed which key when, and why. Exit code: 0 nothing of it can be read or recognised any more; 3 something still
    can, as told, until the keys named there are destroyed.
    """
    if sum(each is not None for each in (document, subject, sailing, case, restored or None)) != 1:
        raise click.UsageError("name one of --document, --subject, --sailing, --case, --restored")
    if document is not None and document[1] == "-":
        document = (document[0], sys.stdin.readline().strip())
    _check_words(actor, reason, document)
    ledger = existing_ledger(config, actor)
    now_ns = time.time_ns()
    with existing_store(config) as store, KeyStore(config.state_dir / FILE) as keys:
        check_as(store, actor, now_ns)
        if not dry_run:
            forgetting.enter_owed(store, ledger, keys, now_ns)  # what a run that was killed has left
        if restored:
            with store.read() as connection:
                plan = _Plan(tuple(forgetting.came_back(connection, keys)), ())
        elif sailing is not None or case is not None:
            plan = _Plan((_named(keys, "case" if sailing is None else "sailing", sailing or case or ""),), ())
        else:
            plan = _of_person(store, keys, config.retention, subject, document, reason, with_sailings=with_sailings)
        if not dry_run:
            # Gates first: should this end in between, the key is there and it is asked for again.
            forgetting.take_from_gates(store, ledger, plan.keys, now_ns)
            forgetting.forget(store, ledger, keys, plan.keys, actor=actor, reason=reason, now_ns=now_ns)
    click.echo(json.dumps(_as_json(plan, dry_run=dry_run), indent=2) if as_json else _in_words(plan, dry_run=dry_run))
    sys.exit(3 if plan.left else 0)


def _check_words(actor: str, reason: str, document: tuple[str, str] | None) -> None:
    """What goes into the ledger for ever says something, and does not name the document that is to be forgotten."""
    for option, words in (("--as", actor), ("--reason", reason)):
        if not words.strip():
            raise click.BadParameter("it is empty; whoever reads the ledger later must learn it", param_hint=option)
        if document is not None and _bare(document[1]) and _bare(document[1]) in _bare(words):
            raise click.BadParameter("the document's number is in it, and the ledger never forgets", param_hint=option)


def _check_names(reason: str, names: set[str]) -> None:
    """A name stands in `reason` when one of its words does, or where names have no spaces all of it."""
    said = reason.casefold()
    words = set(re.findall(r"\w+", said))
    for word in (word for name in names for word in re.findall(r"\w+", name.casefold())):
        if word in words if word.isascii() else word in said:
            raise click.BadParameter(
                "a part of the person's name is in it, and the ledger never forgets", param_hint="--reason"
            )


def _bare(text: str) -> str:
    return "".join(each for each in text.upper() if each.isalnum())


def _named(keys: KeyStore, kind: KeyKind, name: str) -> KeyEntry:
    for entry in keys.entries(kind):
        if entry.name == name:
            return entry
    raise CollectorError(
        f"there is no key of the {kind} {name!r}",
        cause="it was destroyed already, or nothing was ever sealed for it",
        fix="check the id; the ledger tells which keys were destroyed",
    )


def _of_person(
    store: Store,
    keys: KeyStore,
    retention: RetentionConfig,
    subject: str | None,
    document: tuple[str, str] | None,
    reason: str,
    *,
    with_sailings: bool,
) -> _Plan:
    """The person's key and pictures, and on request the keys of their sailings; what is found once these are gone."""
    subject_id = subject if document is None else keys.find_subject(*document)
    entry = None if subject_id is None else keys.entry(subject_id)
    if entry is not None and entry.kind != "subject":
        raise CollectorError(f"{subject_id!r} is no subject", fix="forget it with --sailing or --case and its own id")
    with store.read() as connection:
        found = traces(connection, keys, subject_id, document)
    if entry is None and not found:
        raise CollectorError(
            "there is no key of this person",
            cause="it was destroyed already, or the person never was in a manifest",
            fix="check issuer and number, or the subject id; nothing of the person can be read here as it is",
        )
    pictures = FacePictures(store, keys, retention)
    pictures.note()
    own = () if entry is None else (entry,)
    _check_names(reason, set() if entry is None else names_of(store, keys, entry.key_id))
    doomed = (*own, *pictures.of(passage for trace in found for passage in trace.passages))
    if with_sailings:
        return _Plan((*doomed, *(trace.sailing for trace in found)), ())
    return _Plan(doomed, tuple(found))


def _as_json(plan: _Plan, *, dry_run: bool) -> dict[str, object]:
    return {
        "destroyed": not dry_run,
        "keys": [{"key_id": each.key_id, "kind": each.kind, "name": each.name} for each in plan.keys],
        "still_linked": [
            {
                "sailing_id": trace.sailing.name,
                "key_id": trace.sailing.key_id,
                "key_ends_unix_ns": trace.sailing.expires_ns or None,
                "tickets": list(trace.tickets),
                "passages": list(trace.passages),
                "declarations": list(trace.declarations),
            }
            for trace in plan.left
        ],
    }


def _in_words(plan: _Plan, *, dry_run: bool) -> str:
    verb = "would be destroyed" if dry_run else "destroyed"
    lines = [f"{verb}: {_what(each)}" for each in plan.keys]
    lines += [f"{verb}: nothing; there is no such key"] * (not plan.keys)
    lines += [_left(trace) for trace in plan.left]
    if plan.left:
        lines.append("With --with-sailings, or `gate-collector forget --sailing ID`, these keys end now")
    return "\n".join(lines)


def _what(entry: KeyEntry) -> str:
    if entry.kind == PICTURE:
        return f"the picture {entry.key_id} of a face"
    whose = "person" if entry.kind == "subject" else f"{entry.kind} {plain(entry.name)}"
    return f"the key {entry.key_id} of the {whose}"


def _left(trace: Trace) -> str:
    where = [f"ticket {plain(each)}" for each in trace.tickets]
    where += [f"passage {plain(each)}" for each in trace.passages]
    where += [f"declaration {plain(each)}" for each in trace.declarations]
    until = f"until {local(trace.sailing.expires_ns)}" if trace.sailing.expires_ns else "until somebody destroys it"
    return (
        f"the sailing {plain(trace.sailing.name)} keeps its key {until}: who has the document can recognise it there "
        f"({', '.join(where)}), and what a gate sealed of it can be read"
    )
