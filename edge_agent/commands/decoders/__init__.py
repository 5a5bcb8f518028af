"""What `edge-agent decode` prints, a module a kind of device.

How to add a kind, for example `radiation`:

1. `edge_agent/profiles.py`: one line in `KINDS` names the class of its profiles: a `Layer` with the field `name`. The
   profiles themselves are `firmware_configs/radiation/<model>.toml`, and `load_profile(name, profile_dir,
   of=RadiationProfile)` loads them.
2. `edge_agent/commands/decoders/radiation.py` has `open_decoder(profile_name, *, variant, profile_dir)`, which gives a
   `KindDecoder` or raises ConfigError (unknown profile, unknown variant, a library that is not installed).
3. One line in `KINDS` below names that module. It is imported only when such a profile is decoded, so that a gate
   without ships needs no AIS library.

Rules for the lines: one JSON object an event, printed as soon as it is known; what the device does not say is null,
never guessed; decimals are strings; bytes that mean nothing are a line with `garbled` (why) and their `hex`. The lines
do not depend on how the input was cut into chunks.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from edge_agent.drivers.layer import closest
from edge_agent.errors import ConfigError

DOCUMENT = "document"
"""The kind whose lines cover what is personal, unless it is asked for."""

KINDS: dict[str, str] = {
    "ais": "edge_agent.commands.decoders.ais",
    DOCUMENT: "edge_agent.commands.decoders.document",
    "gnss": "edge_agent.commands.decoders.gnss",
    "io": "edge_agent.commands.decoders.points",
    "radiation": "edge_agent.commands.decoders.radiation",
    "rfid": "edge_agent.commands.decoders.rfid",
    "xray": "edge_agent.commands.decoders.xray",
    "plate": "edge_agent.commands.decoders.plate",
    "scale": "edge_agent.commands.decoders.scale",
    "ultrasonic": "edge_agent.commands.decoders.points",
}
"""Kind of profile: the module with its `open_decoder`."""


class KindDecoder(Protocol):
    """A device's bytes in, JSON lines out, and in the end words for the installer."""

    @property
    def readings(self) -> int:
        """How many lines so far were readings; with none the exit code is 1."""
        ...

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """The lines that these bytes complete; used up before the next call."""
        ...

    def pause(self) -> Iterator[dict[str, object]]:
        """The lines of what waits for something that may follow, now that nothing has come for a second."""
        ...

    def finish(self) -> Iterator[dict[str, object]]:
        """The lines of what was held back, now that no more bytes come."""
        ...

    def summary(self) -> Iterator[str]:
        """For the installer, after `finish`: what was found, the likely cause, the next step."""
        ...


def open_decoder(
    profile_name: str, *, variant: str | None, profile_dir: Path | None, show_personal: bool = False
) -> KindDecoder:
    """The decoder for this profile, such as `scale/yaohua-xk3190-a9-tf0`.

    `show_personal`: of a document reader, names and numbers as they are.

    Raises:
        ConfigError: a kind that cannot be decoded, no such profile or variant, or a library that is missing.
    """
    kind = profile_name.partition("/")[0]
    if kind not in KINDS:
        fix = f"A profile is named KIND/MODEL. {closest(kind, list(KINDS))}"
        raise ConfigError(f"There is no device profile '{profile_name}'", cause="its kind is not known", fix=fix)
    module = importlib.import_module(KINDS[kind])
    more = {"reveal": True} if show_personal and kind == DOCUMENT else {}
    decoder: KindDecoder = module.open_decoder(profile_name, variant=variant, profile_dir=profile_dir, **more)
    return decoder
