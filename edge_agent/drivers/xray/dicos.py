"""DICOS files: what their tags say of a scan. Pure: bytes in; pixels are not decoded. NEMA IIC 1, read by pydicom.

DICOS is DICOM for security: same file format, with an object of inspection in place of a patient.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from edge_agent.model.lane_readings import Scan

MOST_BYTES = 64 * 1024 * 1024
"""Of a file. A larger one is kept as evidence at most; its tags are not read."""

MOST_REASON = 200
"""Characters of a reason: pydicom shows whole values in its errors."""

_PREAMBLE = 128
_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""A compressed data set could unpack to anything; no scanner is known to send one."""

_VERDICTS = {"ALARM": "alarm", "CLEAR": "clear"}
"""AlarmDecision (4010,1031); "UNKNOWN" and others are no verdict."""

_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "PatientID",
    "AlarmDecision",
    "NumberOfAlarmObjects",
    "NumberOfTotalObjects",
    "ContentDate",
    "ContentTime",
    "TDRType",
    "ScanType",
]

_READ_ERRORS = (
    InvalidDicomError,
    BytesLengthException,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises for a damaged file; all but the first two are not promised by it, and must not stop us."""


class NotDicosError(ValueError):
    """The bytes are no file whose tags can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class DicosTags:
    """What a file says of itself; None where it does not.

    Attributes:
        object_id: of the object of inspection, (0010,0020).
        alarm_decision: the algorithm's own word, (4010,1031), in a threat detection report.
        content_time: "20261122T184353" as the file has it, in the scanner's own zone.
    """

    sop_class: str | None
    instance_uid: str | None
    modality: str | None
    object_id: str | None
    alarm_decision: str | None
    alarm_objects: int | None
    total_objects: int | None
    content_time: str | None

    def scan(self, image_name: str | None) -> Scan:
        """As a scan: named by its object, else by its instance."""
        return Scan(
            scan_id=self.object_id or self.instance_uid,
            verdict=_VERDICTS.get((self.alarm_decision or "").upper()),
            device_verdict=self.alarm_decision,
            object_class=None,
            confidence=None,
            image_name=image_name,
        )


def is_dicom(data: bytes) -> bool:
    """Whether these bytes begin like a DICOM file: 128 bytes of anything, and then DICM (PS3.10, 7.1)."""
    return data[_PREAMBLE : _PREAMBLE + 4] == b"DICM"


def read_dicos(data: bytes) -> DicosTags:
    """The tags of a file; NotDicosError when it is none, too large, compressed as a whole, or damaged."""
    if not is_dicom(data):
        raise NotDicosError("no DICOM file: DICM does not follow the first 128 bytes")
    if len(data) > MOST_BYTES:
        raise NotDicosError(f"a file of {len(data)} bytes; at most {MOST_BYTES} are read")
    if _DEFLATED in data[:4096]:
        raise NotDicosError("its data set is deflated as a whole, which is not read")
    try:
        with pydicom.config.disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it doubts shows in what it reads
            file = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(_TAGS))
            tags = _tags(file)
    except _READ_ERRORS as error:
        raise NotDicosError(f"damaged: {type(error).__name__} {error}"[:MOST_REASON]) from error
    if tags.sop_class is None:
        raise NotDicosError("it does not say what it is (no SOP class): cut short, or damaged")
    return tags


def _tags(file: pydicom.FileDataset) -> DicosTags:
    sop_class = _text(file, "SOPClassUID")
    date, time = _text(file, "ContentDate"), _text(file, "ContentTime")
    return DicosTags(
        sop_class=UID(sop_class).name if sop_class else None,
        instance_uid=_text(file, "SOPInstanceUID"),
        modality=_text(file, "Modality"),
        object_id=_text(file, "PatientID"),
        alarm_decision=_text(file, "AlarmDecision"),
        alarm_objects=_count(file, "NumberOfAlarmObjects"),
        total_objects=_count(file, "NumberOfTotalObjects"),
        content_time=f"{date}T{time}" if date and time else None,
    )


def _text(file: pydicom.FileDataset, keyword: str) -> str | None:
    value = file.get(keyword)
    return str(value).strip() or None if value is not None else None


def _count(file: pydicom.FileDataset, keyword: str) -> int | None:
    value = file.get(keyword)
    return int(value) if value is not None else None
