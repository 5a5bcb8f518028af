"""Libraries that only some gates install: where one is missing, it is said what to install."""

from __future__ import annotations

import sys

import pytest

from edge_agent.commands.decoders import open_decoder
from edge_agent.errors import ConfigError

AIS = ("edge_agent.drivers.ais.driver", "edge_agent.drivers.ais.payload")


@pytest.mark.parametrize(
    ("profile", "library", "modules"),
    [
        ("ais/nmea0183", "pyais", ("edge_agent.commands.decoders.ais", *AIS, "pyais")),
        ("xray/dicos", "pydicom", ("edge_agent.drivers.xray.dicos", "pydicom")),
    ],
)
def test_a_missing_library_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, profile: str, library: str, modules: tuple[str, ...]
) -> None:
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)
    if library == "pydicom":
        monkeypatch.delattr("edge_agent.drivers.xray.dicos", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=rf"{library} is not installed .* pip install 'tidegate\[edge,devices\]'"):
        open_decoder(profile, variant=None, profile_dir=None)


def test_a_gate_without_ships_needs_no_ais_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in AIS:
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "pyais", None)

    assert open_decoder("radiation/tsa-rapiscan-rpm", variant=None, profile_dir=None).readings == 0
