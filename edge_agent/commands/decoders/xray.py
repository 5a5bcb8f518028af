"""What `edge-agent decode` prints for a scanner: one line a scan; for a DICOS file its tags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, many, no_variant, number
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.errors import ConfigError
from edge_agent.model.lane_readings import Scan
from edge_agent.optional import importing
from edge_agent.profiles import load_profile

MOST_BYTES = 64 * 1024 * 1024
"""Of a DICOS file; it is read whole."""


def open_decoder(
    profile_name: str, *, variant: str | None, profile_dir: Path | None
) -> StreamDecoder[Scan] | DicosDecoder:
    """The decoder for a scanner's profile; ConfigError when there is none of that name."""
    profile = load_profile(profile_name, profile_dir, of=XrayProfile)
    no_variant(profile_name, variant)
    if profile.dicos is not None:
        return DicosDecoder(profile_name)
    return StreamDecoder(profile_name, "scan", XrayDriver(profile), _describe)


def _describe(scan: Scan) -> dict[str, object]:
    return {
        "kind": "scan",
        "scan_id": scan.scan_id,
        "verdict": scan.verdict,
        "device_verdict": scan.device_verdict,
        "class": scan.object_class,
        "confidence": number(scan.confidence),
        "image": scan.image_name,
    }


class DicosDecoder:
    """One file in, one line out."""

    def __init__(self, name: str) -> None:
        with importing("DICOS files", "pydicom"):
            from edge_agent.drivers.xray import dicos  # noqa: PLC0415 - only where the extra `devices` is installed
        self._name, self._dicos = name, dicos
        self._data = bytearray()
        self.readings = 0

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """No line before the end; ConfigError when there is more than MOST_BYTES."""
        self._data += data
        if len(self._data) > MOST_BYTES:
            raise ConfigError(f"more than {MOST_BYTES} bytes", fix="Give one DICOS file")
        return iter(())

    def pause(self) -> Iterator[dict[str, object]]:
        """Nothing: the file is read whole."""
        return iter(())

    def finish(self) -> Iterator[dict[str, object]]:
        """The file's tags."""
        data = bytes(self._data)
        if not data:
            return
        try:
            tags = self._dicos.read_dicos(data)
        except self._dicos.NotDicosError as error:
            yield {"offset": 0, "hex": data[:64].hex(" "), "garbled": str(error)}
            return
        self.readings = 1
        yield {
            "offset": 0,
            "bytes": len(data),
            **_describe(tags.scan(None)),
            "sop_class": tags.sop_class,
            "instance_uid": tags.instance_uid,
            "modality": tags.modality,
            "object_id": tags.object_id,
            "alarm_objects": tags.alarm_objects,
            "total_objects": tags.total_objects,
            "content_time": tags.content_time,
        }

    def summary(self) -> Iterator[str]:
        """What was found."""
        yield f"{self._name}: {many(len(self._data), 'byte')}, {many(self.readings, 'scan')}"
        if not self._data:
            yield "No bytes: the file is empty. Is the scanner still writing it?"
        elif not self.readings:
            yield "No scan: the file was cut short or damaged on its way, or the scanner exports no DICOS"
