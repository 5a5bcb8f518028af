"""What `edge-agent decode` prints for a radio tag reader: one line a message, with the tags of a report."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant
from edge_agent.drivers.rfid.messages import RO_ACCESS_REPORT, LlrpMessage
from edge_agent.drivers.rfid.parser import LlrpParser
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.profiles import load_profile


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> StreamDecoder[LlrpMessage]:
    """The decoder for a tag reader's profile; ConfigError when there is none of that name."""
    load_profile(profile_name, profile_dir, of=RfidProfile)
    no_variant(profile_name, variant)
    return StreamDecoder(profile_name, "message", LlrpParser(), _describe, gives_up=False, serial=False)


def _describe(message: LlrpMessage) -> dict[str, object]:
    line: dict[str, object] = {
        "message": message.name,
        "type": message.kind,
        "length": message.length,
        "id": message.message_id,
    }
    if message.kind == RO_ACCESS_REPORT:
        line["tags"] = [
            {
                "epc": tag.epc,
                "antenna": tag.antenna,
                "rssi": tag.rssi_dbm,
                "first_seen_us": tag.first_seen_us,
                "count": tag.count,
            }
            for tag in message.tags
        ]
    elif message.status is not None:
        line |= {"status": message.status, "status_text": message.status_text}
    elif message.reader_time_us is not None or message.connection_status is not None or message.events:
        line |= {
            "connection_status": message.connection_status,
            "events": list(message.events),
            "time_us": message.reader_time_us,
        }
    return line
