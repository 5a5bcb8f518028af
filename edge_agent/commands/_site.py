"""The site file with everything that it names: profiles, their variants, the policy."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from edge_agent.app.camera_keep import camera_profile, password_of
from edge_agent.app.lanes import actuator_problems, loop_problems
from edge_agent.app.line import Line, questions_of
from edge_agent.app.policy import load_policy
from edge_agent.app.stations import device_problems
from edge_agent.clock import SystemClock
from edge_agent.config import CameraTable, ScaleTable, SiteError, SiteFile, load_site
from edge_agent.drivers.scale.driver import ScaleDriver
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.profiles import load_profile
from edge_agent.vision.extra import importing_vision


def load_usable_site(path: Path) -> SiteFile:
    """The site file, if the agent can run with it; SiteError names every key that keeps it from that."""
    site = load_site(path)
    if problems := list(_problems(site)):
        raise SiteError(path, problems)
    return site


def _problems(site: SiteFile) -> Iterator[str]:
    for scale in site.scale:
        yield from _scale_problems(scale)
    yield from _line_problems(site)
    yield from device_problems(site.device)
    yield from loop_problems(site)
    yield from actuator_problems(site)
    for camera in site.camera:
        yield from _camera_problems(camera)
    if site.video:
        yield from _video_problems(site)
    try:
        load_policy(site.agent.policy)
    except ConfigError as error:
        yield f"agent, policy: {error}"


def _camera_problems(camera: CameraTable) -> Iterator[str]:
    try:
        camera_profile(camera)
        password_of(camera)
    except EdgeAgentError as error:
        yield f'camera "{camera.id}", profile: {error}'


def _video_problems(site: SiteFile) -> Iterator[str]:
    """Needs the extra `vision`, which a gate without cameras does not have."""
    try:
        with importing_vision("Reading cameras", "numpy"):
            importlib.import_module("numpy")
    except ConfigError as error:
        yield f"video: {error}"
        return
    yield from importlib.import_module("edge_agent.app.vision").video_problems(site)


def _line_problems(site: SiteFile) -> Iterator[str]:
    """What the scales on one port cannot agree on; told of the first of them."""
    for port in dict.fromkeys(scale.port for scale in site.scale):
        scales = [scale for scale in site.scale if scale.port == port]
        if not all(_is_profile(scale) for scale in scales):
            continue  # that has been told
        alone = [(scale, error) for scale in scales if (error := _asking_problem(scale)) is not None]
        yield from (f'scale "{scale.id}": {error}' for scale, error in alone)
        if alone:
            continue
        try:
            Line(scales, SystemClock())
        except EdgeAgentError as error:
            yield f'scale "{scales[0].id}", port: {error}'


def _asking_problem(scale: ScaleTable) -> EdgeAgentError | None:
    """What is wrong with how one scale is asked: its address, or its commands."""
    try:
        questions_of(scale)
    except EdgeAgentError as error:
        return error
    return None


def _is_profile(scale: ScaleTable) -> bool:
    try:
        load_profile(scale.profile, scale.profile_dir)
    except EdgeAgentError:
        return False
    return True


def _scale_problems(scale: ScaleTable) -> Iterator[str]:
    key = f'scale "{scale.id}", '
    try:
        profile = load_profile(scale.profile, scale.profile_dir)
    except EdgeAgentError as error:
        yield f"{key}profile: {error}"
        return
    try:
        ScaleDriver(profile, variant=scale.variant)
    except EdgeAgentError as error:
        yield f"{key}variant: {error}"
    try:
        ScaleDriver(profile, unit=scale.unit)
    except EdgeAgentError as error:
        yield f"{key}unit: {error}"
