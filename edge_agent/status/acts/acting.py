"""Making an officer's act: what was done, signed with the officer's own key. Imports much: only where acts are made."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import MOST_ACT_BYTES, MOST_PHOTO_BYTES, MOST_PHOTOS, Handed
from gate_contract.acts import FORMAT, sign_act
from gate_contract.v1 import act_pb2 as pb
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.reading_pb2 import SealSeen

_MOST_KEY_BYTES = 65_536

_MEDIA_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
"""How pictures begin (ITU-T T.81 B.2; PNG specification, 5.2)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an inspection found.

    Attributes:
        result: "as-declared", "differs" or "detained".
        packages: counted; None when nobody counted.
        seals: each "CONTAINER=NUMBER:state", without a container for one on the vehicle.
        photos: JPEG or PNG files.
    """

    result: str
    text: str
    packages: int | None = None
    seals: tuple[str, ...] = ()
    photos: tuple[Path, ...] = ()


class ActingError(EdgeAgentError):
    """An act cannot be made; names what is wrong and the next step."""


class LockedKeyError(EdgeAgentError):
    """The key is under a passphrase, which is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does it, about what, and why."""

    act_id: str
    site_id: str
    passage_id: str
    officer_id: str
    authority: str
    at_unix_ns: int
    reason: str
    deployment: str = ""
    """Name of the gate's deployment; "" where the agent has not said it since the machine was switched on."""


def load_key(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    """An officer's Ed25519 key in PEM (PKCS #8, RFC 8410). LockedKeyError, ActingError."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_KEY_BYTES)
    except OSError as error:
        fix = "is the stick with the key in the machine? Name the file with --key"
        raise ActingError(f"the key {path} cannot be read", cause=error.strerror or str(error), fix=fix) from error
    try:
        key = load_pem_private_key(data, None if passphrase is None else passphrase.encode())
    except TypeError as error:  # under a passphrase and none given, or the reverse
        if passphrase is None:
            raise LockedKeyError(f"the key {path} is under a passphrase") from error
        return load_key(path, None)
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase is not None:
            raise LockedKeyError(f"the passphrase does not open the key {path}", fix="type it again") from error
        raise ActingError(f"{path} is no private key in PEM", fix="name the officer's key with --key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ActingError(f"{path} is no Ed25519 key", fix="name the key that the officer was enrolled with")
    return key


def lift(doing: Doing, codes: tuple[str, ...], key: Ed25519PrivateKey) -> Handed:
    """Holds are lifted: of these codes, or all of the officer's authority."""
    act = _act(doing)
    act.lift.codes.extend(codes)
    if not codes:
        act.lift.SetInParent()
    return _signed(act, key)


def inspect(doing: Doing, found: Finding, key: Ed25519PrivateKey) -> Handed:
    """What an inspection found."""
    name = f"INSPECTION_RESULT_{found.result.upper().replace('-', '_')}"
    blobs = [_picture(path) for path in found.photos]
    act = _act(doing)
    act.inspection.CopyFrom(
        pb.Inspection(
            result=pb.InspectionResult.Value(name),
            text=found.text,
            packages=found.packages,
            seals=[_seal(each) for each in found.seals],
            photos=[_evidence(blob, media, "inspection") for blob, media in blobs],
        )
    )
    return _signed(act, key, tuple(blob for blob, _ in blobs))


def override(doing: Doing, action: str, photos: tuple[Path, ...], key: Ed25519PrivateKey) -> Handed:
    """Another action in the place of the rule book's."""
    blobs = [_picture(path) for path in photos]
    act = _act(doing)
    act.override.CopyFrom(
        pb.Override(
            action=Action.Value(f"ACTION_{action.upper()}"),
            photos=[_evidence(blob, media, "override") for blob, media in blobs],
        )
    )
    return _signed(act, key, tuple(blob for blob, _ in blobs))


def _act(doing: Doing) -> pb.OfficerAct:
    return pb.OfficerAct(
        format=FORMAT,
        act_id=doing.act_id,
        site_id=doing.site_id,
        passage_id=doing.passage_id,
        officer_id=doing.officer_id,
        authority=doing.authority,
        at_unix_ns=doing.at_unix_ns,
        reason=doing.reason,
        deployment=doing.deployment,
    )


def _signed(act: pb.OfficerAct, key: Ed25519PrivateKey, photos: tuple[bytes, ...] = ()) -> Handed:
    if len(photos) > MOST_PHOTOS:
        raise ActingError(f"{len(photos)} pictures are too many", fix=f"give at most {MOST_PHOTOS}")
    signed = sign_act(act.SerializeToString(), key)
    if len(signed) > MOST_ACT_BYTES:
        raise ActingError("the words are too long", fix="say it in fewer, and keep the rest for the case's comments")
    return Handed(signed, photos)


def _picture(path: Path) -> tuple[bytes, str]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_PHOTO_BYTES + 1)
    except OSError as error:
        raise ActingError(f"the picture {path} cannot be read", cause=error.strerror or str(error)) from error
    if len(data) > MOST_PHOTO_BYTES:
        raise ActingError(f"the picture {path} is larger than {MOST_PHOTO_BYTES >> 20} MiB", fix="take a smaller one")
    for beginning, media_type in _MEDIA_TYPES:
        if data.startswith(beginning):
            return data, media_type
    raise ActingError(f"{path} is no JPEG or PNG picture", fix="set the camera to JPEG")


def _evidence(data: bytes, media_type: str, role: str) -> Evidence:
    return Evidence(sha256=sha256(data).digest(), size=len(data), media_type=media_type, role=role)


def _seal(text: str) -> SealSeen:
    """A seal as it is typed; a number may itself hold a colon, a state does not."""
    container, _, rest = text.partition("=") if "=" in text else ("", "", text)
    number, _, state = rest.rpartition(":")
    if state not in ("whole", "broken", "absent") or (state != "absent" and not number):
        raise ActingError(
            f"the seal {text!r} cannot be read",
            fix="write CONTAINER=NUMBER:whole, NUMBER:broken for one on the vehicle, or CONTAINER=:absent",
        )
    return SealSeen(container=container.upper(), number=number, state=state)
