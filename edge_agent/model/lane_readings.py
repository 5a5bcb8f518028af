"""What other devices of a gate say, once understood: radiation portal, scanner, ships, place, tags, inputs, distance.

None always means that the device did not say. Decimals are exact as the device wrote them; units are in the names.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from edge_agent.model.document_reading import DocumentSeen
from edge_agent.model.readings import EvidenceRef


@dataclass(frozen=True, slots=True)
class RadiationOccupancy:
    """One vehicle in a radiation portal, from its first sample to the portal's own end of it.

    Attributes:
        number: the portal's own count of occupancies.
        gamma_alarm: the portal itself said alarm in at least one gamma sample.
        neutron_alarm: the same for neutrons.
        gamma_samples: how many gamma samples; each covers 200 ms.
        neutron_samples: how many neutron samples; each covers 1 s.
        max_gamma_1s_sum: most counts of all detectors together in five gamma samples in a row (1 s); None with fewer.
        max_neutron: most counts of all detectors together in one neutron sample; None without one.
        neutron_background: counts a second before the occupancy, as the portal tells at its end.
        gamma_background: counts a second of each detector, as last told before the occupancy; empty when not told.
        speeds_kph: kilometres an hour, in the order told; one for each time the beams were crossed.
        complete: whether the portal told the end; False when the link broke or the message was lost.
    """

    number: int | None
    gamma_alarm: bool
    neutron_alarm: bool
    gamma_samples: int
    neutron_samples: int
    max_gamma_1s_sum: int | None
    max_neutron: int | None
    neutron_background: Decimal | None
    gamma_background: tuple[int, ...]
    speeds_kph: tuple[Decimal, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of an X-ray or other scanner.

    Attributes:
        scan_id: the scanner's own name for it.
        verdict: as the profile maps the scanner's word: "clear", "suspect", "alarm"; None for a word it does not map.
        device_verdict: the scanner's own word.
        object_class: what the scanner thinks it sees, in its own words.
        confidence: 0 to 1.
        image_name: file name of the picture, as the line names it.
        image: the picture, once stored as evidence.
        image_problem: why there is no picture though one was named; "" when there is one, or none was named.
    """

    scan_id: str | None
    verdict: str | None
    device_verdict: str | None
    object_class: str | None
    confidence: Decimal | None
    image_name: str | None
    image: EvidenceRef | None = None
    image_problem: str = ""


@dataclass(frozen=True, slots=True)
class Vessel:
    """What one AIS message says of a ship.

    Attributes:
        mmsi: Maritime Mobile Service Identity.
        message_type: 1 to 28, ITU-R M.1371-5 table 44.
        latitude_degrees: north positive.
        longitude_degrees: east positive.
        speed_knots: over ground.
        course_degrees: over ground.
        heading_degrees: true.
        status: navigational status in snake case, e.g. "under_way_using_engine", "moored".
        name: of the ship; messages 5, 19, 24.
        call_sign: messages 5 and 24.
        imo: IMO number; message 5.
        ship_type: code of ITU-R M.1371-5 table 53.
        destination: message 5.
    """

    mmsi: int
    message_type: int
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    speed_knots: float | None = None
    course_degrees: float | None = None
    heading_degrees: int | None = None
    status: str | None = None
    name: str | None = None
    call_sign: str | None = None
    imo: int | None = None
    ship_type: int | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a GNSS receiver is, and its time. Without a fix latitude, longitude and altitude are None.

    Attributes:
        fix: whether the receiver says that satellites gave it this place.
        latitude_degrees: north positive, WGS 84.
        longitude_degrees: east positive, WGS 84.
        altitude_metres: above mean sea level.
        satellites: used in the fix.
        hdop: horizontal dilution of precision.
        time: UTC as the receiver wrote it, ISO 8601; without a date ("18:43:53.07") when it sends none.
    """

    fix: bool
    latitude_degrees: Decimal | None = None
    longitude_degrees: Decimal | None = None
    altitude_metres: Decimal | None = None
    satellites: int | None = None
    hdop: Decimal | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class TagSeen:
    """A radio tag that came into an antenna's field.

    Attributes:
        epc: lower-case hexadecimal digits.
        antenna: 1 upwards.
        rssi_dbm: peak received power.
        first_seen_us: UTC by the reader's clock, microseconds since 1970.
        count: how often it was read in this report.
    """

    epc: str
    antenna: int | None = None
    rssi_dbm: int | None = None
    first_seen_us: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class InputChanged:
    """An input (loop, light curtain, button, barrier position) has another state, debounced.

    `initial`: the first state known, after the start or after the device came back; no edge was seen.
    """

    name: str
    active: bool
    initial: bool


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance sensor's place became occupied or empty.

    Attributes:
        millimetres: the measured distance; None when the sensor says that it has no echo.
        uncertainty_mm: standard uncertainty (k = 1).
        occupied: nearer than the threshold; None while neither is shown.
        raw: the register as read.
    """

    millimetres: Decimal | None
    uncertainty_mm: Decimal
    occupied: bool | None
    raw: int


DeviceReading = RadiationOccupancy | Scan | Vessel | Position | TagSeen | InputChanged | Distance | DocumentSeen
