"""The commissioning commands where nothing is plugged in: what they say, and how they rank profiles."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.clock import SystemClock
from edge_agent.commands.decoders import KindDecoder, open_decoder
from edge_agent.commands.devices import devices
from edge_agent.commands.devices._attempts import Try, asking, candidates
from edge_agent.commands.devices._findings import Findings
from edge_agent.commands.devices._fit import fits
from edge_agent.commands.devices._serial import of_scale
from edge_agent.commands.devices.probe import Prober
from edge_agent.commands.devices.replay import _lasts_s
from edge_agent.commands.devices.watch import Viewer
from edge_agent.config import ScaleTable
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.links.serial_causes import explain
from edge_agent.links.serial_link import OnBytes, OnEvent
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

RELATIVES = ("scale/and-ad4400", "scale/dini-argeo", "scale/tscale")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(devices, [str(each) for each in arguments])


@pytest.mark.parametrize("port", ["", "socket://x", "ftp://scale:4001"])
def test_what_is_no_port_is_refused_in_words(port: str) -> None:
    done = run("probe", "--port", port)
    assert isinstance(done.exception, ConfigError)
    assert f"port: {port!r} is no" in str(done.exception)


def test_of_a_port_that_cannot_be_read_no_cable_is_suspected(tmp_path: Path) -> None:
    done = run("watch", "--port", tmp_path / "gone", "--profile", "scale/dini-argeo", "--seconds", "0.2")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr
    assert "the cable" not in done.stderr


def test_a_recording_of_nothing_leaves_no_file_and_says_so_to_a_script(tmp_path: Path) -> None:
    asked = ("--port", tmp_path / "gone", "--profile", "scale/dini-argeo", "--seconds", "0.2", "--json")
    done = run("record", *asked, "-o", tmp_path / "capture.bin")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "capture": None,
        "bytes": 0,
        "profile": "scale/dini-argeo",
        "port": str(tmp_path / "gone"),
    }
    assert list(tmp_path.iterdir()) == []


def test_times_of_a_capture_that_cannot_be_read_are_told_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "capture.bin").write_bytes(b"abc")
    (tmp_path / "capture.bin.times.jsonl").write_text("{}\n[0, 1, 2]\n", encoding="utf-8")
    done = run("replay", tmp_path / "capture.bin", "--port", tmp_path / "port")
    assert isinstance(done.exception, EdgeAgentError)
    assert "capture.bin.times.jsonl cannot be read" in str(done.exception)
    assert not (tmp_path / "port").exists()


def test_a_script_is_told_what_is_played_and_the_port_goes_afterwards(tmp_path: Path) -> None:
    (tmp_path / "capture.bin").write_bytes(bytes(33))
    done = run("replay", tmp_path / "capture.bin", "--port", tmp_path / "port", "--speed", "10", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "port": str(tmp_path / "port"),
        "capture": str(tmp_path / "capture.bin"),
        "bytes": 33,
        "seconds": 0.003,
        "as_recorded": False,
        "loop": False,
    }
    assert not (tmp_path / "port").is_symlink()


def test_a_name_that_is_taken_is_not_played_on(tmp_path: Path) -> None:
    (tmp_path / "capture.bin").write_bytes(b"abc")
    (tmp_path / "port").symlink_to("/dev/pts/99999")
    done = run("replay", tmp_path / "capture.bin", "--port", tmp_path / "port")
    assert "remove it if it was left behind" in str(done.exception)
    assert (tmp_path / "port").is_symlink()


def test_the_port_of_a_tag_reader_is_explained_as_one() -> None:
    done = run("watch", "--port", "192.168.1.9", "--profile", "rfid/llrp")
    assert "write socket://HOST:5084" in str(done.exception)


@pytest.mark.parametrize(
    ("line", "profile"),
    [
        (b"ST,GS,   123.5,kg\r\n", "scale/dini-argeo"),
        (b"ST,GS,+0123.5kg\r\n", "scale/and-ad4400"),
        (b"ST,GS   123.5kg \r\n", "scale/tscale"),
    ],
)
def test_of_profiles_that_read_the_same_the_one_whose_own_form_it_is_comes_first(line: bytes, profile: str) -> None:
    assert fits(line * 6, RELATIVES)[0].profile == profile


@pytest.mark.parametrize(("parity", "told"), [(True, False), (False, True)])
def test_a_parity_that_was_seen_in_bit_7_is_left_to_the_profiles_format(*, parity: bool, told: bool) -> None:
    frame = b"\x02*0 012340000000\r-"
    sent = bytes(byte | (byte.bit_count() % 2 << 7) for byte in frame) if parity else frame
    attempt = Try(9600, "8N1", data=sent * 4, found=fits(sent * 4, ["scale/mettler-toledo-continuous"]))
    assert attempt.fit is not None
    assert ('data_format = "8N1"' in Findings("/dev/ttyS0", [attempt]).site_lines(attempt)) is told


def test_a_line_that_ends_with_cr_is_shown_after_a_pause() -> None:
    decoder = open_decoder("scale/dini-argeo", variant=None, profile_dir=None)
    assert list(decoder.feed(b"ST,GS,   123.5,kg\r")) == []
    assert [line["reading"] for line in decoder.pause()] == [
        {"weight": "123.5", "unit": "kg", "kind": "gross", "stable": True, "tare": None}
    ]


def heard(data: bytes) -> Findings:
    return Findings("/dev/ttyS0", [Try(9600, "8N1", data=data, found=fits(data, candidates(None)))])


def test_digits_that_may_run_either_way_are_told_as_ambiguous_with_what_the_display_must_show() -> None:
    (doubt,) = (line for line in heard(b"=000.3000" * 8).told() if "AMBIGUOUS" in line)
    assert "If it shows 3.000 kg → scale/yaohua-equals-reversed; 0.3000 kg → scale/yaohua-equals-forward" in doubt


@pytest.mark.parametrize("empty", [b"=0000.000", b"=000.000"])
def test_an_empty_scale_decides_nothing(empty: bytes) -> None:
    assert any("put a load on the scale and probe again" in line for line in heard(empty * 8).told())


def test_profiles_that_read_the_same_weights_are_told_apart_by_the_devices_plate() -> None:
    first, *_ = findings = list(heard(b"ST,GS,+0123.5kg\r\n" * 6).told())
    assert "100" not in first
    assert not any("AMBIGUOUS" in line for line in findings)
    assert any("in the same way; scale/and-ad4400 comes first" in line for line in findings)


def test_a_frame_with_and_without_a_checksum_byte_is_told_as_what_it_is() -> None:
    plain, checked = b"\x02*0 012340000000\r", b"\x02*0 012340000000\r-"
    assert [fit.profile for fit in fits(plain * 4, candidates(None))] == ["scale/mettler-toledo-continuous"]
    told = list(heard(checked * 4).told())
    assert 'profile = "scale/mettler-toledo-continuous-checksum"' in "\n".join(told)
    assert any(line.strip().startswith("scale/mettler-toledo-continuous would read") for line in told)


@pytest.mark.parametrize(
    ("line", "profile"),
    [
        (b"!AIVDM,1,1,,A,16:=g4001d8V1K8E<4Vb0Vkr0<0q,0*5F\r\n", "ais/nmea0183"),
        (b"$GPGLL,2003.000,N,11010.000,E,060102.00,A,A*6D\r\n", "gnss/nmea0183"),
    ],
)
def test_a_sentence_known_by_its_form_alone_speaks_for_no_receiver(line: bytes, profile: str) -> None:
    body = line[1 : line.index(b"*")]
    checksum = 0
    for byte in body:
        checksum ^= byte
    line = line[:1] + body + b"*%02X\r\n" % checksum
    assert [fit.profile for fit in fits(line * 4, candidates(None)) if fit.is_good] == [profile]


def test_a_scale_that_is_overloaded_is_known_and_told_so() -> None:
    data = b"OL,GS,   123.5,kg\r\n" * 6
    assert fits(data, ["scale/dini-argeo"])[0].says_nothing
    assert "they say overload. Look at the device's display" in heard(data).advice()


def test_half_a_stream_is_too_little_and_told_with_the_next_step() -> None:
    advice = heard((b"ST,GS,   123.5,kg\r\n" + b"\x00\xfe\xf8" * 9) * 4).advice()
    assert "scale/dini-argeo reads" in advice
    assert "--seconds 10" in advice


def test_nothing_that_any_device_takes_for_tare_or_zero_is_ever_asked() -> None:
    asked = list(asking("/dev/ttyS0", None, everywhere=False, every_speed=True))
    profiles = {attempt.asked for attempt, _ in asked}
    assert {"scale/mt-sics", "scale/dini-argeo", "scale/and-ad4400", "scale/ohaus-defender"} <= profiles
    for attempt, questions in asked:
        assert questions, attempt
        for question in questions:
            assert not set(question.data) & set(b"TZtz"), (attempt.asked, question.data)
    assert len({(attempt.asked, attempt.baud, attempt.data_format) for attempt, _ in asked}) == len(asked)


def test_a_profile_of_the_installers_own_is_probed_and_written_for_the_site_file(tmp_path: Path) -> None:
    shipped = Path("firmware_configs/scale/yaohua-xk3190-a9-tf0.toml").read_text(encoding="utf-8")
    (tmp_path / "scale").mkdir()
    (tmp_path / "scale/mine.toml").write_text(shipped.replace('"kg"', '"t"'), encoding="utf-8")
    (tmp_path / "scale/broken.toml").write_text("nonsense", encoding="utf-8")
    data = Path("tests/captures/scale/yaohua-xk3190-a9-tf0/negative.bin").read_bytes() * 4
    found = fits(data, [name for name in candidates(tmp_path) if "mine" in name or "broken" in name], tmp_path)
    attempt = Try(9600, "8N1", data=data, found=found)
    assert f'profile_dir = "{tmp_path}"' in Findings("/dev/ttyS0", [attempt], tmp_path).site_lines(attempt)
    assert found[0].shown == "-20 t"


def test_a_short_capture_is_not_played_faster_than_a_line_carries_it() -> None:
    assert _lasts_s([(0.0, 96)]) == pytest.approx(0.1)
    assert _lasts_s([(0.0, 96), (4.0, 96)]) == 4.0
    assert _lasts_s([]) == 0.0


def test_what_a_scales_converter_sends_first_is_taken_off_while_it_is_watched() -> None:
    given = {"id": "s", "profile": "scale/mt-sics", "port": "socket://192.0.2.1:4001", "division": "1 kg"}
    assert of_scale(ScaleTable.model_validate(given | {"hello": "44 54 55"})).hello == b"DTU"


class Played:
    """A source that delivers what a test says, at once; its device should send all the time."""

    name = where = "device"
    profile = "scale/yaohua-xk3190-a9-tf0"
    settings: dict[str, object] = {}  # noqa: RUF012 - nobody writes to it

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def decoder(self) -> KindDecoder:
        return open_decoder(self.profile, variant=None, profile_dir=None)

    def watched(self) -> DeviceWatch:
        return DeviceWatch(self.name, silent_after_s=60.0 if self._chunks else 0.05, babble_after_s=0.0)

    def listen(
        self,
        on_bytes: Callable[[bytes, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: threading.Event,
    ) -> None:
        clock = SystemClock()
        on_event(DeviceEvent(self.name, clock(), DeviceState.STARTING, "open"))
        for chunk in self._chunks:
            on_bytes(chunk, clock())
        stop.wait()


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([], "silent: The port is open but no byte came"),
        ([b"\x00\xfe\xf8" * 9], "babbling: 27 bytes came"),
        ([b"\x02+00000001B\x03" * 3], "ok: Readings come"),
    ],
)
def test_whoever_watches_is_told_what_is_wrong_while_it_is_wrong(
    chunks: list[bytes], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Viewer(Played(*chunks), as_json=False).run(1.6)
    assert told in capsys.readouterr().err


def test_a_port_that_opens_slowly_is_listened_to_for_all_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowLink:
        def __init__(self, *_given: object, **_options: object) -> None:
            """As SerialLink."""

        def run(self, take: OnBytes, told: OnEvent, stop: threading.Event) -> None:
            clock = SystemClock()
            told(DeviceEvent("probe", clock(), DeviceState.UNPLUGGED, "closed the connection"))
            assert not stop.wait(0.4), "it was given up before it was open"
            told(DeviceEvent("probe", clock(), DeviceState.STARTING, "open"))
            take(b"\x02+00000001B\x03" * 4, clock())
            assert stop.wait(60)

    monkeypatch.setattr(sys.modules[Prober.__module__], "SerialLink", SlowLink)
    attempt = Try(9600, "8N1")
    Prober("rfc2217://192.0.2.1:4001", 0.2).listen(attempt, ())
    assert (len(attempt.data), attempt.problem) == (48, "")


def test_a_speed_that_the_adapter_cannot_do_is_passed_over_and_a_port_that_is_gone_is_not() -> None:
    refused = explain("/dev/ttyS0", "1200 8N2", ValueError("Invalid argument"))
    gone = explain("/dev/ttyS0", "1200 8N2", FileNotFoundError(2, "No such file"))
    assert "does not take" in refused
    tries = [Try(1200, "8N2", problem=refused), Try(9600, "8N1")]
    assert not tries[0].blocks
    assert Findings("/dev/ttyS0", tries).advice().startswith("No bytes at any speed")
    assert Try(1200, "8N2", problem=gone).blocks
