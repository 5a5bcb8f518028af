"""What is fuzzed: each target takes any bytes and may raise nothing; what it promises to raise it catches itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError

from collector.declarations.files import DeclarationFileError, FileFormat, read_entries
from collector.ingest.contents import understand
from collector.ledger.verification import BundleError, Verification
from edge_agent.commands.decoders import open_decoder
from edge_agent.drivers.layer import MAX_FRAME
from edge_agent.errors import ConfigError
from edge_agent.journal.salvage.pages import PAGE_BYTES, Image
from edge_agent.journal.salvage.rows import find_rows, search_rows
from edge_agent.journal.salvage.wal import read_frames
from edge_agent.links.http_request import RefusedRequestError, body_of, head_end, parse_head
from edge_agent.profiles import profile_names
from gate_contract.checkpoint import Note, NoteError, Signer
from gate_contract.envelope import BatchError, open_batch, open_live
from gate_contract.merkle import Frontier
from gate_contract.v1.uplink_pb2 import LiveRecords, StreamRequest

Target = Callable[[bytes], None]

TESTS = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "corpus"
"""Inputs that were found to matter, a folder a target; kept for ever."""

SIGNER = Signer("fuzz.example/agent/gate/0", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
MAX_BODY = 1 << 16
DECODED_KINDS = ("ais", "document", "gnss", "plate", "radiation", "rfid", "scale", "xray")


def batch(data: bytes) -> None:
    """A batch from an agent: refused, never decoded before it is verified."""
    with suppress(BatchError):
        open_batch(data, Frontier(), SIGNER.verifier, lambda _start, _end: [])


def live(data: bytes) -> None:
    """Live records from an agent."""
    with suppress(BatchError, DecodeError):
        open_live(LiveRecords.FromString(data), SIGNER.verifier)


def request(data: bytes) -> None:
    """Whatever else comes on an agent's stream."""
    with suppress(DecodeError):
        StreamRequest.FromString(data).WhichOneof("body")


def records(data: bytes) -> None:
    """Records that verify and may say anything: understood or dead-lettered, each."""
    pieces = data.split(b"\n---\n")
    understand(range(len(pieces)), pieces)


def note(data: bytes) -> None:
    """A signed note."""
    with suppress(NoteError):
        Note.parse(data)


def bundle(data: bytes) -> None:
    """A proof that somebody hands to a court."""
    with suppress(BundleError):
        Verification(data, {}).run()


def declarations(data: bytes, file_format: FileFormat) -> None:
    """A declaration file from a department."""
    with suppress(DeclarationFileError):
        for _ in read_entries(io.BytesIO(data), file_format):
            pass


def push(data: bytes) -> None:
    """What a peer of the camera listener sends: head, then body."""
    end = head_end(data, 0)
    if end is None:
        return
    with suppress(RefusedRequestError):
        body = body_of(parse_head(data[:end]), MAX_BODY)
        rest = data[end:]
        for start in range(0, len(rest), 1000):
            if body.feed(rest[start : start + 1000]) is not None:
                break
        assert body.size <= MAX_BODY


def salvage(data: bytes) -> None:
    """A damaged journal segment."""
    pages = [data[at : at + PAGE_BYTES].ljust(PAGE_BYTES, b"\0") for at in range(0, len(data), PAGE_BYTES)]
    image = Image(pages[:4])
    search_rows(image, range(1, len(image.pages) + 1), find_rows(image))


def log(data: bytes) -> None:
    """A damaged write-ahead log."""
    read_frames(data)


def decoded(profile: str, data: bytes) -> None:
    """A device's bytes: the same lines however they are cut, and nothing forgotten or held without bound."""
    whole = _lines(profile, [data])
    step = 1 + len(data) % 7
    cut = _lines(profile, [data[at : at + step] for at in range(0, len(data), step)])
    assert whole == cut, "how the bytes are cut must not matter"


def _lines(profile: str, chunks: list[bytes]) -> list[dict[str, object]]:
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines = [line for chunk in chunks for line in decoder.feed(chunk)]
    lines += decoder.finish()
    if len(chunks) == 1 and len(chunks[0]) % 16 == 0:  # it tries every profile, which takes long
        list(decoder.summary())
    return lines


@cache
def targets() -> dict[str, Target]:
    """All of them, by name."""
    found: dict[str, Target] = {
        "batch": batch,
        "live": live,
        "request": request,
        "records": records,
        "note": note,
        "bundle": bundle,
        "declarations-csv": partial(declarations, file_format="csv"),
        "declarations-json": partial(declarations, file_format="json"),
        "push": push,
        "salvage": salvage,
        "log": log,
    }
    for profile in profile_names():
        if profile.partition("/")[0] in DECODED_KINDS:
            with suppress(ConfigError):  # a library that is not installed
                open_decoder(profile, variant=None, profile_dir=None)
                found[profile.replace("/", "-")] = partial(decoded, profile)
    return found


def seeds(name: str) -> Iterator[bytes]:
    """Inputs to begin with: the kept corpus, and the captures of the profile."""
    kind, _, model = name.partition("-")
    for directory in (CORPUS / name, TESTS / "captures" / kind / model):
        for path in sorted(directory.glob("*")):
            if path.is_file() and path.suffix not in (".jsonl", ".md"):
                yield path.read_bytes()[: 64 * MAX_FRAME]
