"""Policy: every tolerance of the rule book, with bounds, from TOML."""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cached_property
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from gate_contract.rules.text import plain, shown
from gate_contract.rules.tolerances import (
    STRICT,
    BookingPolicy,
    ClockPolicy,
    HeadsPolicy,
    LoadPolicy,
    ManifestPolicy,
    MassLimitPolicy,
    PaymentPolicy,
    PlatePolicy,
    ReferencePolicy,
    ReleasePolicy,
    ScanPolicy,
    ShipPolicy,
    StayPolicy,
    TravelPolicy,
    TriesPolicy,
    UnseenPolicy,
    VerifiedMassPolicy,
    VisitPolicy,
    WeightPolicy,
)

DEFAULT_POLICY: Final = "default_policy.toml"


class PolicyError(ValueError):
    """A policy file is wrong; the text names each key, its bound and the fix."""


class Policy(BaseModel):
    """Every tolerance in force. Made with `from_toml` or `default`; never changes afterwards."""

    model_config = STRICT

    booking: BookingPolicy = BookingPolicy()
    release: ReleasePolicy = ReleasePolicy()
    V01: PlatePolicy = PlatePolicy()
    V04: TravelPolicy = TravelPolicy()
    V05: VisitPolicy = VisitPolicy()
    C05: LoadPolicy = LoadPolicy()
    W01: WeightPolicy = WeightPolicy()
    W02: MassLimitPolicy = MassLimitPolicy()
    W05: VerifiedMassPolicy = VerifiedMassPolicy()
    X01: ScanPolicy = ScanPolicy()
    P01: ManifestPolicy = ManifestPolicy()
    P02: TriesPolicy = TriesPolicy()
    P07: HeadsPolicy = HeadsPolicy()
    P08: StayPolicy = StayPolicy()
    D01: UnseenPolicy = UnseenPolicy()
    M01: PaymentPolicy = PaymentPolicy()
    S01: ShipPolicy = ShipPolicy()
    K01: ClockPolicy = ClockPolicy()
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
    """Numbers as their shortest exact text, tables by key, lists in their order."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_canonical(inner) for inner in value]
    return plain(Decimal(value))


def _fault(found: dict[str, Any]) -> str:
    """One sentence for one of pydantic's errors: the key, what is wrong, the bounds, the fix."""
    path = [str(part) for part in found["loc"]]
    key, value = ".".join(path), shown(str(found["input"]))
    if path[:2] == ["X01", "chapters"]:
        return f"{key} = {value} is wrong: write each class with its HS chapters, 1 to 99, e.g. textiles = [61, 62]."
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
