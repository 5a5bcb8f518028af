"""What persons write in cases: sealed under the case's own key, which can be destroyed."""

from __future__ import annotations

from typing import Literal, Protocol

from collector.errors import CollectorError
from gate_contract.personal import SealedFieldError, open_field, seal_field
from gate_contract.v1.case_pb2 import CaseEvent

MOST_CHARACTERS = 10_000

UNTIL_DECIDED = 0
"""Term of a case's key when it is made: none. The retention gives it one when the case is decided."""


class CaseKeys(Protocol):
    """Where the keys of cases are: collector.privacy.keystore.KeyStore."""

    def make(self, kind: Literal["case"], name: str, expires_ns: int) -> str:
        """Key id of a case; made at the first time."""

    def key(self, key_id: str) -> bytes | None:
        """The key; None when it was destroyed."""


def seal(keys: CaseKeys, case_id: str, text: str) -> dict[str, bytes | str]:
    """Fields `sealed_text` and `key_id` of an event.

    Raises:
        CollectorError: the text is empty or too long.
    """
    text = text.strip()
    if not text or len(text) > MOST_CHARACTERS:
        raise CollectorError(
            f"case {case_id}: {'the text is empty' if not text else f'the text has {len(text)} characters'}",
            fix=f"write 1 to {MOST_CHARACTERS} characters",
        )
    key_id = keys.make("case", case_id, UNTIL_DECIDED)
    key = keys.key(key_id)
    if key is None:
        raise CollectorError(f"case {case_id}: its key was destroyed just now", fix="try again")
    return {"sealed_text": seal_field(key, key_id, text.encode()), "key_id": key_id}


def read(keys: CaseKeys, event: CaseEvent) -> str | None:
    """What was written; "" when nothing was, None when its key was destroyed."""
    if not event.sealed_text:
        return ""
    key = keys.key(event.key_id)
    if key is None:
        return None
    try:
        return open_field(key, event.key_id, event.sealed_text).decode()
    except (SealedFieldError, UnicodeDecodeError):
        return None
