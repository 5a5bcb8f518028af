"""Scanners at work: the picture that a scan's line names, and scanners that drop DICOS files."""

from __future__ import annotations

import importlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from edge_agent.app.device_outcomes import Outcome
from edge_agent.app.device_readers import PlainReader, ScanReader
from edge_agent.app.devices import RETRY_S, DeviceOutputs, DeviceStation, LastReading
from edge_agent.app.stream_link import StreamLinks, watch_of
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.drivers.xray.schema import ImageLayer, XrayProfile
from edge_agent.errors import ConfigError, EdgeAgentError, JournalError
from edge_agent.links.folder import Folder, FolderFile, FolderLink, FolderRules
from edge_agent.model.lane_readings import DeviceReading, Scan
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef
from edge_agent.optional import importing

LOG = structlog.get_logger()


class EvidenceKeeper(Protocol):
    """Where pictures and files become durable; the agent's is `journal.evidence.EvidenceStore`."""

    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        """Durable when it returns; JournalError when the disk cannot take it."""
        ...


MOST_WAITING = 64
"""Pictures waited for at once; beyond it a scan is recorded without its picture, with this reason."""

_MEDIA_TYPES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
)
_DICOM_AT, _DICOM = 128, b"DICM"


def media_type(data: bytes) -> str:
    """What a picture is, by its first bytes; "application/octet-stream" when they tell nothing."""
    if data[_DICOM_AT : _DICOM_AT + len(_DICOM)] == _DICOM:
        return "application/dicom"
    return next((kind for start, kind in _MEDIA_TYPES if data.startswith(start)), "application/octet-stream")


class ScanStation(DeviceStation[bytes]):
    """A scanner that sends lines. A scan is recorded at once, and again with its picture when that is whole."""

    def __init__(
        self,
        table: DeviceTable,
        profile: XrayProfile,
        evidence: EvidenceKeeper,
        clock: Callable[[], Moment],
        outputs: DeviceOutputs,
        links: StreamLinks,
    ) -> None:
        """Raises ConfigError when profile and table cannot work."""
        if profile.link is None:
            raise ConfigError(f"{profile.name} describes no lines", fix="Its scans come as files")
        link, answered = links.of(table, profile.link)
        watch = watch_of(table, profile.link)
        reader = ScanReader(XrayDriver(profile))
        super().__init__(table, link, reader, clock, outputs, watch=watch, answered=answered)
        self._evidence = evidence
        self._layer = profile.image
        self._folder = None if table.folder is None else Folder(rules_of(table, profile.image), clock)
        self._waiting: queue.Queue[tuple[Scan, bytes, Moment]] = queue.Queue(MOST_WAITING)
        self._threads.append(threading.Thread(target=self._fetch, name=f"pictures {table.id}", daemon=True))

    def keep(self, reading: DeviceReading, raw: bytes, at: Moment) -> bool:
        """The scan as it was told; its picture follows."""
        kept = super().keep(reading, raw, at)
        if kept and isinstance(reading, Scan) and reading.image_name and self._folder is not None:
            try:
                self._waiting.put_nowait((reading, raw, at))
            except queue.Full:
                problem = f"{MOST_WAITING} pictures are waited for already; the scanner's folder does not keep up"
                super().keep(replace(reading, image_problem=problem), raw, at)
        return kept

    def _fetch(self) -> None:
        while not self._stop.is_set():
            with suppress(queue.Empty):
                scan, raw, at = self._waiting.get(timeout=0.5)
                super().keep(self._with_picture(scan), raw, at)

    def _with_picture(self, scan: Scan) -> Scan:
        if self._folder is None or scan.image_name is None:
            return scan
        try:
            data = self._folder.fetch(scan.image_name, self._layer.wait_seconds, self._stop)
            return replace(scan, image=self._evidence.keep(data, media_type(data), "scan"))
        except EdgeAgentError as error:
            LOG.warning("scan.no_picture", device=self.table.id, scan=scan.scan_id, problem=str(error))
            return replace(scan, image_problem=str(error))


class FileStation(DeviceStation[FolderFile]):
    """A scanner that drops DICOS files: each is a scan, durable before it is moved away."""

    def __init__(
        self,
        table: DeviceTable,
        profile: XrayProfile,
        suffixes: tuple[str, ...],
        evidence: EvidenceKeeper,
        clock: Callable[[], Moment],
        outputs: DeviceOutputs,
    ) -> None:
        """Raises ConfigError when the site file names no folder, or pydicom is missing."""
        with importing("DICOS files", "pydicom"):
            self._dicos = importlib.import_module("edge_agent.drivers.xray.dicos")
        self._evidence = evidence
        link = FolderLink(table.id, rules_of(table, profile.image), suffixes, clock)
        super().__init__(table, link, _KeptByStation(), clock, outputs)

    def take(self, data: FolderFile, now: Moment) -> bytes:
        """Keep the file as evidence and the scan as a record; waits while the disk takes nothing."""
        while not self._stop.is_set():
            try:
                image = self._evidence.keep(data.data, media_type(data.data), "scan")
            except JournalError as error:
                LOG.error("scan.not_kept", device=self.table.id, file=data.name, problem=str(error))  # noqa: TRY400 - told in words
                self._stop.wait(RETRY_S)
                continue
            scan = replace(self._scan(data), image=image)
            if self.keep(scan, b"", now):
                self.last = LastReading(f"{scan.scan_id or data.name}: {scan.device_verdict or '?'}", now)
            break
        return b""

    def _scan(self, file: FolderFile) -> Scan:
        try:
            scan: Scan = self._dicos.read_dicos(file.data).scan(file.name)
        except self._dicos.NotDicosError as error:
            problem = f"its tags cannot be read: {error}"
            return Scan(None, None, None, None, None, image_name=file.name, image_problem=problem)
        return scan


class _KeptByStation(PlainReader[FolderFile]):
    """Files come whole, and their station keeps them."""

    def take(self, data: FolderFile, now: Moment) -> Iterator[Outcome]:
        """Nothing is left to do."""
        del data, now
        return iter(())


def rules_of(table: DeviceTable, image: ImageLayer) -> FolderRules:
    """How the scanner's folder is read; ConfigError when the site file names none."""
    if table.folder is None:
        raise ConfigError(f'device "{table.id}": its folder is missing', fix="Add the key folder")
    return FolderRules(table.folder, image.complete, image.stable_seconds, image.most_bytes)
