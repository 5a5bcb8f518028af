"""Policy: every tolerance of the rule book, with bounds, from TOML."""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gate_contract.rules.text import plain, shown

DEFAULT_POLICY: Final = "default_policy.toml"
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class PolicyError(ValueError):
    """A policy file is wrong; the text names each key, its bound and the fix."""


def _number(value: object) -> object:
    """TOML numbers only: a quoted number or a boolean is a slip that must not pass."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return value
    raise ValueError("must be a number, without quotes")


Kilograms = Annotated[Decimal, BeforeValidator(_number), Field(decimal_places=3)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(decimal_places=3)]
Whole = Annotated[int, Field(strict=True)]


class BookingPolicy(BaseModel):
    """Which declarations are bookings that a passage may be matched with; hours."""

    model_config = _STRICT

    departure_window_hours: Whole = Field(default=36, ge=1, le=168)
    lodged_before_hours: Whole = Field(default=168, ge=1, le=2160)
    lodged_after_hours: Whole = Field(default=36, ge=1, le=168)


class PlatePolicy(BaseModel):
    """Plate against booking (V01): edits, and open bookings up to which a near plate is no chance."""

    model_config = _STRICT

    match_within: Whole = Field(default=2, ge=1, le=2)
    few_bookings: Whole = Field(default=10, ge=0, le=1000)


class WeightPolicy(BaseModel):
    """Measured against declared mass (W01, W03); uncertainties are standard uncertainties, k = 1."""

    model_config = _STRICT

    share_of_declared_percent: Percent = Field(default=Decimal(5), ge=Decimal("0.1"), le=20)
    most_kilograms: Kilograms = Field(default=Decimal(1000), ge=50, le=5000)
    person_kilograms: Kilograms = Field(default=Decimal(75), ge=50, le=150)
    tare_uncertainty_kilograms: Kilograms = Field(default=Decimal(60), ge=0, le=500)
    fuel_uncertainty_kilograms: Kilograms = Field(default=Decimal(70), ge=0, le=500)


class UnseenPolicy(BaseModel):
    """Declared and not seen (D01); hours after departure."""

    model_config = _STRICT

    grace_hours: Whole = Field(default=24, ge=1, le=720)


class ReferencePolicy(BaseModel):
    """The gate's copy of the declarations (K05); hours."""

    model_config = _STRICT

    most_hours: Whole = Field(default=12, ge=1, le=168)


class Policy(BaseModel):
    """Every tolerance in force. Made with `from_toml` or `default`; never changes afterwards."""

    model_config = _STRICT

    booking: BookingPolicy = BookingPolicy()
    V01: PlatePolicy = PlatePolicy()
    W01: WeightPolicy = WeightPolicy()
    D01: UnseenPolicy = UnseenPolicy()
    K05: ReferencePolicy = ReferencePolicy()

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read a policy file's text; keys it leaves out have their defaults.

        Raises:
            PolicyError: it is no TOML, or a key is unknown, of the wrong type or out of bounds.
        """
        try:
            content = tomllib.loads(text, parse_float=Decimal)
        except (tomllib.TOMLDecodeError, InvalidOperation) as error:
            raise PolicyError(f"The policy is no TOML: {error}. Correct it there") from error
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            faults = [_fault(dict(found)) for found in error.errors(include_url=False)]
            raise PolicyError("The policy is wrong. " + " ".join(faults)) from error

    @classmethod
    def default(cls) -> Policy:
        """The policy of `default_policy.toml`, as shipped."""
        return cls.from_toml(default_policy_text())

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the values in force: the same for every spelling of the same policy."""
        canonical = json.dumps(_canonical(self.model_dump()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def default_policy_text() -> str:
    """The shipped policy file with its comments, as a start for a site's own."""
    return resources.files("gate_contract.rules").joinpath(DEFAULT_POLICY).read_text(encoding="utf-8")


def _canonical(value: Any) -> Any:
    """Numbers as their shortest exact text, tables by key."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    return plain(Decimal(value))


def _fault(found: dict[str, Any]) -> str:
    """One sentence for one of pydantic's errors: the key, what is wrong, the bounds, the fix."""
    path = [str(part) for part in found["loc"]]
    key, value = ".".join(path), shown(str(found["input"]))
    section = _section(path[:-1])
    if found["type"] == "extra_forbidden":
        known = list(section.model_fields)
        near = get_close_matches(path[-1], known, n=1)
        return f"{key} is unknown: {f'did you mean {near[0]}?' if near else 'known here: ' + ', '.join(known) + '.'}"
    field = section.model_fields[path[-1]]
    limits = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    if not limits:
        return f"{key} = {value} is no table: write [{key}] and its keys below."
    return f"{key} = {value} is wrong ({_reason(found)}): set it to a number from {limits['ge']} to {limits['le']}."


def _reason(found: dict[str, Any]) -> str:
    """Pydantic's message without its capital and its label."""
    message = str(found["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _section(path: list[str]) -> type[BaseModel]:
    """The model that a table of the file is read into."""
    section: type[BaseModel] = Policy
    for name in path:
        annotation = section.model_fields[name].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return section
