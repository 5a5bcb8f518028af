"""What `edge-agent decode` prints for a radiation portal: each line, and at an occupancy's end what it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant, number
from edge_agent.drivers.radiation.driver import PortalSaid, RadiationDriver
from edge_agent.drivers.radiation.lines import Counts, End, Firmware, GammaSetup, NeutronSetup, OtherSetup, Speed
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.model.lane_readings import RadiationOccupancy
from edge_agent.profiles import load_profile


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> StreamDecoder[PortalSaid]:
    """The decoder for a radiation portal's profile; ConfigError when there is none of that name."""
    profile = load_profile(profile_name, profile_dir, of=RadiationProfile)
    no_variant(profile_name, variant)
    driver = RadiationDriver(profile)

    def closing() -> Iterator[dict[str, object]]:
        if (occupancy := driver.interrupt()) is not None:
            yield _occupancy(occupancy) | {"occupied": True, "recorder_time": None}

    return StreamDecoder(profile_name, "line", driver, _Describer(), further=_lost_end, closing=closing)


def _lost_end(said: PortalSaid) -> Iterator[dict[str, object]]:
    """An occupancy whose end was lost is a line of its own, after the one that shows it to be over."""
    if said.occupancy is not None and not isinstance(said.told, End):
        yield _occupancy(said.occupancy) | {"occupied": said.occupied, "recorder_time": said.told.time}


class _Describer:
    """The settings come in several lines: each shows all that is known so far."""

    def __init__(self) -> None:
        self._setup: dict[str, object] = {"gamma": None, "neutron": None, "firmware": None}

    def __call__(self, said: PortalSaid) -> dict[str, object]:
        """The keys of one line."""
        return self._of(said) | {"occupied": said.occupied, "recorder_time": said.told.time}

    def _of(self, said: PortalSaid) -> dict[str, object]:
        told = said.told
        match told:
            case Counts():
                return _counts(told)
            case Speed():
                return {
                    "kind": "speed",
                    "speed_kph": number(told.kph),
                    "speed_mph": number(told.mph),
                    "seconds": number(told.seconds),
                }
            case End():
                if said.occupancy is None:
                    return {"kind": "end", "occupancy_number": told.number}
                return _occupancy(said.occupancy)
            case GammaSetup():
                self._setup["gamma"] = _settings(told)
            case NeutronSetup():
                self._setup["neutron"] = _settings(told)
            case Firmware():
                self._setup["firmware"] = told.version
            case OtherSetup():
                pass
        return {"kind": "setup", **self._setup}


def _counts(told: Counts) -> dict[str, object]:
    counts = list(told.counts)
    match told.means:
        case "gamma" | "gamma_alarm":
            return {"kind": "gamma", "counts": counts, "alarm": told.means == "gamma_alarm"}
        case "neutron" | "neutron_alarm":
            return {"kind": "neutron", "counts": counts, "alarm": told.means == "neutron_alarm"}
        case "gamma_background" | "neutron_background":
            return {"kind": told.means, "counts": counts}
        case "tamper_set" | "tamper_cleared":
            return {"kind": "tamper", "event": told.means}
        case _:
            return {"kind": "fault", "event": told.means, "counts": counts}


def _settings(told: GammaSetup | NeutronSetup) -> dict[str, object]:
    values = asdict(told)
    del values["time"]
    return {key: number(value) if isinstance(value, Decimal) else value for key, value in values.items()}


def _occupancy(occupancy: RadiationOccupancy) -> dict[str, object]:
    speeds = [number(speed) for speed in occupancy.speeds_kph]
    return {
        "kind": "occupancy",
        "occupancy_number": occupancy.number,
        "gamma_alarm": occupancy.gamma_alarm,
        "neutron_alarm": occupancy.neutron_alarm,
        "gamma_samples": occupancy.gamma_samples,
        "neutron_samples": occupancy.neutron_samples,
        "max_gamma_1s_sum": occupancy.max_gamma_1s_sum,
        "max_neutron": occupancy.max_neutron,
        "gamma_background": list(occupancy.gamma_background) or None,
        "neutron_background": number(occupancy.neutron_background),
        "speeds_kph": speeds,
        "speed_kph": speeds[-1] if speeds else None,
        "complete": occupancy.complete,
    }
