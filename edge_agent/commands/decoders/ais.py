"""What `edge-agent decode` prints for an AIS receiver: one line a message."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant
from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.optional import importing
from edge_agent.profiles import load_profile

with importing("AIS messages", "pyais"):
    from edge_agent.drivers.ais.driver import AisDriver, AisMessage, AisSaid


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> StreamDecoder[AisSaid]:
    """The decoder for an AIS receiver's profile; ConfigError when there is none of that name."""
    load_profile(profile_name, profile_dir, of=AisProfile)
    no_variant(profile_name, variant)
    return StreamDecoder(
        profile_name,
        "message",
        AisDriver(),
        _describe,
        counts=lambda said: isinstance(said, AisMessage),
        gives_up=False,
        no_reading=(
            "Sentences came, and none is of a ship: no ship is in range, or another device sends them (place and time: "
            "gnss/nmea0183)"
        ),
    )


def _describe(said: AisSaid) -> dict[str, object]:
    if isinstance(said, AisMessage):
        return {**said.fields, "channel": said.channel, "own_ship": said.own_ship}
    return {"kind": "sentence", "address": said.address}
