"""The page docs/devices/others.md, made from the profiles. Pure; `python -m edge_agent.drivers.others` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.io.schema import GpioLayer, IoProfile
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.drivers.xray.schema import XrayProfile

AnyProfile = (
    AisProfile
    | DocumentProfile
    | GnssProfile
    | IoProfile
    | RadiationProfile
    | RfidProfile
    | UltrasonicProfile
    | XrayProfile
)

INTRODUCTION = """\
# Radiation portals, scanners, ships, place, tags, documents, inputs, distance

Made from `firmware_configs/` by `python -m edge_agent.drivers.others > docs/devices/others.md`: change the
profiles, not this page. How loops, barriers and sensors are wired is in [wiring.md](../wiring.md), serial ports and
converters are in [serial.md](../serial.md).

Each of these devices is a `[[device]]` table of the site file:

| key | meaning |
|---|---|
| `id` | its name here |
| `profile` | its model, from the table below |
| `profile_dir` | a directory with profiles of your own (`KIND/MODEL.toml` inside) |
| `port` | a serial port's path, `socket://HOST:PORT`, `rfc2217://HOST:PORT`; see the profile for its own |
| `lane` | the lane it stands in; leave it out for ships, time and place |
| `baud`, `data_format`, `silent_after` | where the device is set otherwise than its profile says |
| `address` | of a device that is asked by address |
| `unit` | Modbus address; several units may share one port |
| `inputs`, `outputs` | points by name, see [wiring.md](../wiring.md) |
| `folder` | where a scanner's pictures or files arrive |
| `occupied_below_mm`, `empty_above_mm` | of a distance sensor |

What a device says becomes a record by the rule stated with its profile: where it names a lane, as part of the lane's
passage ([lanes.md](../lanes.md)); ships, places, tags and inputs that are no loops always as a record of its own.
Bytes that mean nothing are kept with the reason as records of their own. Faults are incidents, as of scales.
`edge-agent decode --profile NAME FILE` prints what captured bytes mean, one JSON line each; what the device does not
send is null.
"""

LINES: Mapping[str, str] = {
    "radiation": """\
`decode` prints every line: `{"kind"}` is `gamma` or `neutron` (a sample: `counts`, `alarm`), `gamma_background`,
`neutron_background`, `fault` and `tamper` (`event`), `speed` (`speed_kph`, `speed_mph`, `seconds`), `setup`, and at
an occupancy's end `occupancy`: `occupancy_number`, `gamma_alarm`, `neutron_alarm`, `gamma_samples`,
`neutron_samples`, `max_gamma_1s_sum` (most counts of all detectors in one second), `max_neutron` (in one sample),
`gamma_background`, `neutron_background`, `speeds_kph`, `speed_kph` (the last), `complete`. `occupied` says whether
a vehicle is in the portal after the line; `recorder_time` is the time that a recorder added, in front of the line or
behind it (daily files: its own zone's, and UTC). An occupancy whose end was lost is a line of its own, behind the one
that shows it to be over.

Records: each occupancy. A background fault or an open door is an incident until the portal says otherwise. An
occupancy under way is recorded, incomplete, when the portal falls silent, the line is lost or the agent stops.
""",
    "xray": """\
`decode` prints each scan: `scan_id`, `verdict` (`clear`, `suspect`, `alarm`; null for a word that the profile does
not map), `device_verdict` (the scanner's own word), `class`, `confidence` (0 to 1), `image` (file name); of a DICOS
file also `sop_class`, `instance_uid`, `modality`, `object_id`, `alarm_objects`, `total_objects`, `content_time`.
Words of `[verdict]` are the same in capital letters and small ones; a field with `-`, `N/A`, `none` or `null` is empty.

Records: each scan at once, and once more with its picture when that is whole, or with the reason why there is none.
A file name with a path in it is refused, links are not followed, and the size is bounded. A DICOS file is moved to
`taken/` inside its folder once it is durable.

A scanner that must be asked has `mode = "poll"` and one or more `[[link.command]]` in its profile, with an address if
it has one, as the profiles of scales do ([profiles.md](../profiles.md)).
""",
    "ais": """\
`decode` prints each message under pyais's names: `msg_type`, `mmsi`, `lat`, `lon` (degrees), `speed` (knots),
`course`, `heading` (degrees), `status` in words, `shipname`, `callsign`, `imo`, `ship_type`, `destination` … The
codes for "not available" are null. `channel` is the radio channel, null when the receiver does not say; `own_ship` is
true for the transponder's own report. Messages of several sentences are joined; a missing or damaged part makes none.
What a network or recorder writes behind a sentence (`*44,r003669946,1428796799`) is kept with it and not read.

Records: a ship's first message; one with another status, name, call sign, IMO number, type or destination at once;
else, positions and the rest separately, one in the time stated.
""",
    "gnss": """\
`decode` prints each sentence: `kind` (`GGA`, `RMC`, `GNS`, `GLL`, `VTG`, `GSA`, `GSV`, `ZDA`), `talker`, and what
it says: `time`, `date`, `lat`, `lon`, `fix`, `valid`, `alt` (metres), `satellites`, `hdop`, `speed_kn`, `course` …
Without a fix there is no place, whatever digits are sent. `measured` is whether satellites gave the place: false for
one that was estimated (GGA quality 6, mode E), typed in (7, M) or simulated (8, S), which is shown as it was sent;
`fix_type` says which.

Records: the sentences of one moment as one position: the first, a fix won or lost, a move, else one in the time
stated. Only a measured place is a fix there, and only when no sentence of the moment says otherwise: a receiver that
reckons on without satellites is recorded as one without a fix.
""",
    "rfid": """\
`decode` prints each message: `message`, `type`, `length`, `id`, and of a report `tags` (`epc`, `antenna`, `rssi` in
dBm, `first_seen_us`, `count`), of an event `connection_status`, `events`, `time_us`, of an answer `status`,
`status_text`.

Records: a tag once for as long as it is seen again within the time stated.
""",
    "document": """\
`decode` prints each document: `kind` (`TD1`, `TD2`, `TD3`, `MRV-A`, `MRV-B`; `citizen` for the bare number of a
Chinese identity card), `code`, `issuer`, `number` with its middle covered, `expires`, `faults` (elements whose check
digit does not hold: `number`, `birth`, `expiry`, `optional`, `composite`). The bytes are covered too: each character is
`x`, control characters stay. With `--show-personal` all is printed as it is, with `surname`, `given_names`, `birth`,
`nationality`, `sex`; use it on specimens.

Records: each document once while it lies on the reader, as a pseudonym under the sailing's key, with its faults and
last day; name, number and birth are sealed, and the bytes are not kept ([privacy.md](../privacy.md)). Of garbled
bytes the length, the line ends and the reason are kept. `edge-agent devices record` asks for `--show-personal`,
because a capture holds documents as they are.

Put the reader into the passenger gate's or lane's own `lane`. Documents are checked against the sailing whose
manifest has them, else against the next sailing that the gate has a key of.
""",
    "io": """\
Records: each change of an input, debounced; after a start or an interruption each state once (`initial`). Outputs
are written only on command.
""",
    "ultrasonic": """\
`decode` reads what `edge-agent devices record` wrote and prints each answer: `count`, `millimetres` (null without an
echo or out of range), `occupied`, `changed`, `broken`.

Records: when the place becomes occupied or empty, with the distance and its standard uncertainty. Counts outside
`in_range` for as long as a state must hold are an incident (`distance-out-of-range`: a broken wire, a short, a lost
supply), and the place is then neither occupied nor empty, also where no echo means empty.
""",
}


def page(profiles: Sequence[AnyProfile]) -> str:
    """The page in Markdown; profiles in the order given, those of one kind together."""
    return "\n".join([INTRODUCTION, *_table(profiles), "", *_sections(profiles)])


def _table(profiles: Sequence[AnyProfile]) -> Iterator[str]:
    yield "| profile | devices | connection | silent is a fault after |"
    yield "|---|---|---|---|"
    for profile in profiles:
        anchor = profile.name.replace("/", "")
        models = "; ".join(profile.device.models)
        yield f"| [`{profile.name}`](#{anchor}) | {models} | {_connection(profile)} | {_silent_after(profile)} |"


def _connection(profile: AnyProfile) -> str:
    link = profile.link
    match profile:
        case RfidProfile():
            return f"`socket://HOST:{profile.link.tcp_port}`"
        case XrayProfile() if profile.link is None:
            return "a folder"
        case IoProfile() if isinstance(profile.link, GpioLayer):
            return "a chip of this machine: `/dev/gpiochip0`"
        case IoProfile() | UltrasonicProfile():
            line = f"{getattr(link, 'baud', '')} {getattr(link, 'format', '')}"
            return f"Modbus: `tcp://HOST` or `tcp://HOST:PORT`, or RTU at {line}"
        case _:
            return f"serial {getattr(link, 'baud', '')} {getattr(link, 'format', '')}, or TCP"


def _silent_after(profile: AnyProfile) -> str:
    if isinstance(profile, IoProfile | UltrasonicProfile):
        timeout = getattr(profile.link, "timeout_milliseconds", None)
        return "—" if timeout is None else f"{timeout / 1000:g} s without an answer"
    seconds = getattr(profile.link, "silent_after", 0)
    return f"{seconds} s" if seconds else "never: it speaks when there is something to say"


def _sections(profiles: Sequence[AnyProfile]) -> Iterator[str]:
    told: set[str] = set()
    for profile in profiles:
        kind = profile.name.partition("/")[0]
        yield f"## {profile.name}"
        yield ""
        yield f"Facts from: {profile.device.source}."
        yield ""
        if profile.device.notes:
            yield profile.device.notes
            yield ""
        yield from _details(profile)
        if kind not in told:
            told.add(kind)
            yield LINES[kind]


def _details(profile: AnyProfile) -> Iterator[str]:
    match profile:
        case AisProfile():
            yield f"A ship that says nothing new is one record every {profile.keep.every_seconds} s."
        case GnssProfile():
            keep = profile.keep
            yield f"A place that stays is one record every {keep.every_seconds} s; a move is {keep.moved_metres} m."
        case DocumentProfile():
            yield f"A document that is sent again within {profile.keep.again_after_seconds} s is the same reading."
        case RfidProfile():
            yield f"A tag that was not seen for {profile.keep.gone_after_seconds} s has gone."
        case RadiationProfile():
            codes = ", ".join(f"`{code}` {means.replace('_', ' ')}" for code, means in profile.codes.counts.items())
            yield f"Lines: {codes}, `{profile.codes.speed}` speed, `{profile.codes.end}` end of the occupancy."
        case IoProfile():
            yield f"A state counts once it was the same for {profile.debounce_milliseconds} ms."
        case UltrasonicProfile():
            yield from _distance(profile)
        case XrayProfile():
            yield from _scans(profile)
    yield ""


def _distance(profile: UltrasonicProfile) -> Iterator[str]:
    measure, empty = profile.measure, profile.empty
    yield (
        f"`{measure.register_}`: count × {measure.mm_per_count} mm + {measure.offset_mm} mm, "
        f"± {measure.uncertainty_mm} mm (k = 1). Occupied below {empty.occupied_below_mm} mm, empty above "
        f"{empty.empty_above_mm} mm, once it held for {empty.settle_milliseconds} ms."
    )


def _scans(profile: XrayProfile) -> Iterator[str]:
    image = profile.image
    whole = "it has its name" if image.complete == "renamed" else f"its size stood still for {image.stable_seconds} s"
    waits = f"within {image.wait_seconds} s, " if profile.dicos is None else ""
    yield f"A file is whole once {whole}; it is taken {waits}up to {image.most_bytes // 1024 // 1024} MiB."
    if profile.line and profile.field:
        yield ""
        yield "| field | where |"
        yield "|---|---|"
        for name, place in profile.field.present().items():
            where = f"column {place.column}" if place.at is None else f"characters {place.at[0]} to {place.at[1] - 1}"
            yield f"| {name.removeprefix('object_')} | {where} |"
