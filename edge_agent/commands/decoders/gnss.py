"""What `edge-agent decode` prints for a GNSS receiver: one line a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant
from edge_agent.drivers.gnss.driver import GnssDriver, GnssSaid
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.gnss.sentences import GnssSentence
from edge_agent.profiles import load_profile


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> StreamDecoder[GnssSaid]:
    """The decoder for a GNSS receiver's profile; ConfigError when there is none of that name."""
    load_profile(profile_name, profile_dir, of=GnssProfile)
    no_variant(profile_name, variant)
    return StreamDecoder(
        profile_name,
        "sentence",
        GnssDriver(),
        _describe,
        counts=lambda said: isinstance(said.sentence, GnssSentence),
        gives_up=False,
        no_reading="Sentences came, and none tells place or time: another device sends them (ships: ais/nmea0183)",
    )


def _describe(said: GnssSaid) -> dict[str, object]:
    sentence = said.sentence
    if isinstance(sentence, GnssSentence):
        return {"kind": sentence.kind, "talker": sentence.talker, **{k: _plain(v) for k, v in sentence.says.items()}}
    return {"kind": "sentence", "address": sentence.address}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value
