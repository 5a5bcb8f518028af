"""A draft of a control order in TOML → the order, or what is wrong with it. Pure but for pseudonyms."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Final, Literal, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from collector.declarations import values
from collector.declarations.rows import Pseudonyms
from collector.declarations.values import UnfitError
from collector.errors import CollectorError
from gate_contract.orders import FORMAT, faults
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_REVIEW
from gate_contract.v1.order_pb2 import ControlOrder, Selector
from gate_contract.v1.passage_pb2 import DIRECTION_UNSPECIFIED

PAGE: Final = "docs/orders.md describes the keys"

_ACTIONS: Final = {"review": ACTION_REVIEW, "inspect": ACTION_INSPECT, "hold": ACTION_HOLD}
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

Value = TypeVar("Value")

_Text: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=400)]
_Id: TypeAlias = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class OrderFileError(CollectorError):
    """The draft is wrong; names the key, the cause and the next step."""


class _Document(BaseModel):
    model_config = _STRICT

    sailing: str
    issuer: str
    number: str


class _About(BaseModel):
    model_config = _STRICT

    plate: str | None = None
    container: str | None = None
    declaration: str | None = None
    hs_prefix: str | None = None
    declarant: str | None = None
    document: _Document | None = None


class _Draft(BaseModel):
    model_config = _STRICT

    order_id: _Id
    authority: _Id
    legal_basis: _Text
    valid_from: datetime | None = None
    expires: datetime
    sites: list[str] = []
    direction: Literal["inbound", "outbound"] | None = None
    action: Literal["review", "inspect", "hold"]
    instruction: _Text
    instruction_zh: Annotated[str, Field(strict=True, max_length=400)] = ""
    about: Annotated[list[_About], Field(min_length=1)]


def read_draft(
    text: str, deployment: str, version: Callable[[str], int], pseudonyms: Pseudonyms, now_unix_ns: int
) -> ControlOrder:
    """An order from the text of a draft, given now.

    Args:
        text: TOML.
        deployment: the one it is given in.
        version: the version that an order of this id gets.
        pseudonyms: of documents on sailings.
        now_unix_ns: when it is given, nanoseconds since 1970-01-01T00:00:00Z.

    Raises:
        OrderFileError: it is no draft, or what it says is no order that a gate would follow.
    """
    draft = _parsed(text)
    order = ControlOrder(
        format=FORMAT,
        order_id=draft.order_id,
        version=version(draft.order_id),
        authority=draft.authority,
        legal_basis=draft.legal_basis,
        issued_unix_ns=now_unix_ns,
        valid_from_unix_ns=now_unix_ns if draft.valid_from is None else _moment("valid_from", draft.valid_from),
        expires_unix_ns=_moment("expires", draft.expires),
        site_ids=[_fit("sites", site, values.site_id) for site in draft.sites],
        direction=DIRECTION_UNSPECIFIED if draft.direction is None else values.direction(draft.direction),
        selectors=[_selector(number, about, pseudonyms) for number, about in enumerate(draft.about, 1)],
        action=_ACTIONS[draft.action],
        instruction=draft.instruction,
        instruction_zh=draft.instruction_zh,
        deployment=deployment,
    )
    if order.expires_unix_ns <= now_unix_ns:
        raise OrderFileError(
            "the order would be over before it is given", cause="expires is past", fix="correct expires"
        )
    for fault in faults(order):
        raise OrderFileError(f"no gate would follow this order: {fault}", fix=f"correct the draft; {PAGE}")
    return order


def _parsed(text: str) -> _Draft:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OrderFileError("the draft is no TOML", cause=str(error), fix="put text values in double quotes") from None
    try:
        return _Draft.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(_in_words(each) for each in error.errors(include_url=False))
        raise OrderFileError("the draft is wrong", cause=wrong, fix=PAGE) from None


def _in_words(detail: ErrorDetails) -> str:
    where = [str(part + 1) if isinstance(part, int) else part for part in detail["loc"]]
    key = ".".join(where)
    if detail["type"] == "extra_forbidden":
        model: type[BaseModel] = _Document if "document" in where[:-1] else _About if "about" in where[:-1] else _Draft
        close = get_close_matches(where[-1], model.model_fields, n=1, cutoff=0.5)
        return f"{key}: unknown key; " + (
            f"did you mean {close[0]}?" if close else f"known: {', '.join(model.model_fields)}"
        )
    if detail["type"] == "missing":
        return f"{key}: missing; add it"
    return f"{key}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _moment(key: str, when: datetime) -> int:
    return _fit(key, when.isoformat(), values.moment)


def _selector(number: int, about: _About, pseudonyms: Pseudonyms) -> Selector:
    where = f"about.{number}"
    given = [name for name in _About.model_fields if getattr(about, name) is not None]
    if len(given) != 1:
        raise OrderFileError(
            f"{where} names {len(given)} things",
            cause=f"it must be one of {', '.join(_About.model_fields)}",
            fix="write one [[about]] for each thing; whatever fits one of them is stopped",
        )
    name = f"{where}.{given[0]}"
    if about.plate is not None:
        return Selector(plate=_fit(name, about.plate, values.plate))
    if about.container is not None:
        return Selector(container=_fit(name, about.container, values.container))
    if about.declaration is not None:
        return Selector(declaration_id=_fit(name, about.declaration, values.identifier))
    if about.hs_prefix is not None:
        return Selector(hs_prefix=_fit(name, about.hs_prefix, _hs_prefix))
    if about.declarant is not None:
        return Selector(declarant_id=_fit(name, about.declarant, values.identifier))
    document = about.document or _Document(sailing="", issuer="", number="")
    issuer = _fit(f"{name}.issuer", document.issuer, values.issuer)
    number_ = _fit(f"{name}.number", document.number, values.document_number, personal=True)
    return Selector(document=_fit(name, document.sailing, lambda sailing: pseudonyms(sailing, issuer, number_)))


def _fit(key: str, text: str, read: Callable[[str], Value], *, personal: bool = False) -> Value:
    try:
        return read(text.strip()) if text.strip() else _refuse_empty()
    except UnfitError as error:
        shown = "" if personal else f" {text[:80]!r}"
        raise OrderFileError(f"{key}{shown} cannot be taken", cause=str(error), fix=PAGE) from None


def _refuse_empty() -> NoReturn:
    raise UnfitError("is empty")


def _hs_prefix(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 2 <= len(text) <= 10):  # noqa: PLR2004 - Harmonised System
        raise UnfitError("is no beginning of a commodity code: 2 to 10 digits")
    return text
