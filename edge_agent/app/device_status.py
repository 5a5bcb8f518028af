"""Devices as the status shows them: scales, cameras, others, videos, each in the site file's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_agent.app.agent import Agent
from edge_agent.app.scale import ScaleStation
from edge_agent.app.stations import AnyStation
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

if TYPE_CHECKING:
    from edge_agent.app.vision_station import VideoStation


def devices_shown(agent: Agent, now: Moment) -> list[dict[str, Any]]:
    """The devices' part of the snapshot; its keys are described in docs/status.md."""
    scales = [_scale(station, now) for station in agent.scales]
    devices = [_device(station, now) for station in agent.devices]
    videos = [_device(station, now) for station in agent.videos]
    return [*scales, *_cameras(agent, now), *devices, *videos]


def _scale(station: ScaleStation, now: Moment) -> dict[str, Any]:
    last = station.last
    return {
        "id": station.table.id,
        "kind": "scale",
        "profile": station.table.profile,
        "port": station.table.port,
        "state": station.state.value,
        "text": _text(station.event),
        **(_NEVER if last is None else _last(f"{last.weight.value:f} {last.weight.unit}", last.at, now)),
    }


def _cameras(agent: Agent, now: Moment) -> list[dict[str, Any]]:
    desks = {camera: desk for desk in agent.cameras for camera in desk.device_ids}
    shown = []
    for table in agent.site.camera:
        state, text = desks[table.id].look(table.id)
        plate = desks[table.id].last.get(table.id)
        shown.append(
            {
                "id": table.id,
                "kind": "camera",
                "profile": table.profile,
                "port": f"{table.listen}{table.push_path}" if table.listen else table.url,
                "state": state.value,
                "text": text,
                **(_NEVER if plate is None else _last(plate.text or "(not read)", plate.at, now)),
            }
        )
    return shown


def _device(station: AnyStation | VideoStation, now: Moment) -> dict[str, Any]:
    table, last = station.table, station.last
    return {
        "id": table.id,
        "kind": table.kind,
        "profile": table.profile,
        "port": table.port or "",
        "state": station.state.value,
        "text": _text(station.event),
        **(_NEVER if last is None else _last(last.text, last.at, now)),
    }


def _text(event: DeviceEvent | None) -> str:
    return "" if event is None or event.state is DeviceState.OK else event.text


def _last(text: str, at: Moment, now: Moment) -> dict[str, Any]:
    return {"last_reading": text, "last_reading_unix_ns": at.wall, "age_s": max(0, int(now.seconds_since(at)))}


_NEVER: dict[str, Any] = {"last_reading": None, "last_reading_unix_ns": None, "age_s": None}
