"""The scenario file: which lanes there are, who drives through them and what is wrong with whom. Strict TOML."""

from __future__ import annotations

import tomllib
from collections import Counter
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.model.passage import Direction
from edge_agent.simulate.frames import division_step

Injection = Literal["clean", "ocr-confusable", "wrong-plate", "overweight", "undeclared", "late-declaration"]
IndicatorKind = Literal["yaohua-xk3190-a9-tf0", "mettler-toledo-continuous"]

NEED_REGULATED_GOODS: frozenset[Injection] = frozenset({"undeclared", "late-declaration"})

Seconds = Annotated[float, Field(ge=0, le=600)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Timing(Strict):
    """How fast traffic moves, the same on every lane; seconds.

    The camera sees a truck at a moment drawn between `plate_earliest_s` and `plate_latest_s` after its first axle is on
    the platform; a negative value is before. A driver stands for `dwell_s` and then until the lamp lets him go, but no
    longer than `max_wait_s`.
    """

    ramp_s: Annotated[float, Field(gt=0, le=60)] = 0.4
    settle_s: Annotated[float, Field(gt=0, le=60)] = 0.3
    dwell_s: Seconds = 1.0
    roll_off_s: Annotated[float, Field(gt=0, le=60)] = 0.4
    gap_s: Seconds = 0.4
    plate_earliest_s: Annotated[float, Field(ge=-10, le=60)] = -0.1
    plate_latest_s: Annotated[float, Field(ge=-10, le=60)] = 0.5
    max_wait_s: Seconds = 20.0

    @model_validator(mode="after")
    def _camera_looks_at_one_truck(self) -> Self:
        stands_until = self.ramp_s + self.settle_s + self.dwell_s
        if not -self.gap_s <= self.plate_earliest_s <= self.plate_latest_s <= stands_until:
            raise ValueError(
                "the camera must see a truck after the one before has left and before it leaves itself: "
                f"{-self.gap_s} <= plate_earliest_s <= plate_latest_s <= {stands_until:.1f}"
            )
        return self


class Lane(Strict):
    """One lane: a truck scale with its indicator, a plate camera, and the traffic over it.

    Attributes:
        camera_writes_colour: the camera writes the plate's colour before it (蓝粤B12345), as some do.
        repeats: how many vehicles the camera reports twice, though it was answered.
        injections: how many vehicles have which discrepancy; the others are clean.
    """

    site_id: Name
    lane_id: Name
    direction: Direction
    scale_device_id: Name
    camera_device_id: Name
    indicator: IndicatorKind
    division_kilograms: Decimal
    rate_hertz: Annotated[float, Field(gt=0, le=50)] = 10.0
    regulated_goods: bool
    camera_writes_colour: bool = False
    vehicles: Annotated[int, Field(ge=1, le=1000)]
    repeats: Annotated[int, Field(ge=0)] = 0
    injections: dict[Injection, Annotated[int, Field(ge=0)]] = {}

    @field_validator("division_kilograms")
    @classmethod
    def _is_a_division(cls, value: Decimal) -> Decimal:
        try:
            division_step(value)
        except EdgeAgentError as error:
            raise ValueError(error.cause) from error
        return value

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if "clean" in self.injections:
            raise ValueError("injections: leave out clean; it is every vehicle that has nothing injected")
        if max(sum(self.injections.values()), self.repeats) > self.vehicles:
            raise ValueError(f"injections, and repeats, cannot be more than the lane's {self.vehicles} vehicles")
        if not self.regulated_goods and any(self.injections.get(kind, 0) for kind in NEED_REGULATED_GOODS):
            raise ValueError(
                "injections: undeclared and late-declaration are held only where goods are regulated; "
                "set regulated_goods = true or leave them out"
            )
        return self

    def labels(self) -> list[Injection]:
        """One label a vehicle, in no particular order."""
        counts: dict[Injection, int] = {**self.injections, "clean": self.vehicles - sum(self.injections.values())}
        return list(Counter(counts).elements())


class Scenario(Strict):
    """A whole scenario; the same file, start and seed always make the same plan."""

    seed: int
    timing: Timing = Timing()
    lane: Annotated[tuple[Lane, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _lanes_differ(self) -> Self:
        counts = Counter((lane.site_id, lane.lane_id) for lane in self.lane)
        twice = [f"{site}/{lane}" for (site, lane), count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"lane {twice[0]} appears twice")
        return self


def read_scenario(path: Path) -> Scenario:
    """The scenario in this file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or breaks the rules above; names the file and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The scenario {path} cannot be read", cause=str(error), fix="Give the path of a scenario file in UTF-8"
        ) from error
    return parse_scenario(text, str(path))


def demo_scenario() -> Scenario:
    """The scenario of `make demo`, as shipped with the program."""
    resource = resources.files("edge_agent.simulate").joinpath("scenarios", "demo.toml")
    return parse_scenario(resource.read_text(encoding="utf-8"), "demo.toml")


def parse_scenario(text: str, name: str) -> Scenario:
    """The scenario in this TOML text; `name` is what errors call it.

    Raises:
        ConfigError: see `read_scenario`.
    """
    try:
        return Scenario.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The scenario {name} is no valid TOML", cause=str(error), fix="Correct that line") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(
            f"The scenario {name} is wrong at {key}",
            cause=first["msg"].removeprefix("Value error, "),
            fix="Correct or remove that key; docs/emulated-site.md lists them all",
        ) from error
