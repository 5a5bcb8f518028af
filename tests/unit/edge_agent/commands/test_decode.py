import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands.decode import _chunks, decode

CAPTURES = Path(__file__).resolve().parents[4] / "tests" / "captures" / "scale"
TF0 = "scale/yaohua-xk3190-a9-tf0"
TOLEDO = "scale/mettler-toledo-continuous"
TRUCK = b"\x02+003290013\x03"
PLAIN = b"\x02*0 045000015000\r"
CHK = PLAIN + bytes((-sum(PLAIN) & 0x7F,))


def run(profile: str, data: bytes, *more: str) -> Result:
    return CliRunner().invoke(decode, ["--profile", profile, *more, "-"], input=data)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_weight_is_one_json_line_with_null_for_what_the_device_does_not_say() -> None:
    result = run(TF0, TRUCK)
    assert result.exit_code == 0
    assert lines(result) == [
        {
            "offset": 0,
            "hex": "02 2b 30 30 33 32 39 30 30 31 33 03",
            "reading": {"weight": "3290", "unit": "kg", "kind": None, "stable": None, "tare": None},
        }
    ]
    assert result.stderr == f"{TF0}: 12 bytes, 1 frame, 1 weight, 0 bytes garbled\n"


def test_what_the_device_says_stands_beside_the_weight() -> None:
    assert lines(run(TOLEDO, CHK))[0]["reading"] == {
        "weight": "45000",
        "unit": "kg",
        "kind": "gross",
        "stable": True,
        "tare": "15000",
    }


def test_garbled_bytes_are_a_line_with_the_reason_and_their_offset() -> None:
    result = run(TF0, b"??" + TRUCK + TRUCK.replace(b"13\x03", b"14\x03"))
    assert [line.get("garbled") for line in lines(result)] == [
        "joined in the middle of a frame",
        None,
        "wrong checksum: the frame says 14, its bytes give 13",
    ]
    assert [line["offset"] for line in lines(result)] == [0, 2, 14]
    assert "1 frame with a wrong checksum: the line is disturbed" in result.stderr
    assert result.exit_code == 0


def test_a_frame_without_weight_has_a_state_and_no_reading() -> None:
    overload = PLAIN.replace(b"*0", b"*4")
    result = run(TOLEDO, overload)
    assert lines(result) == [{"offset": 0, "hex": overload.hex(" "), "state": "overload"}]
    assert "Frames but no reading: 1 frame overload" in result.stderr
    assert result.exit_code == 1


def test_a_file_is_read_as_well_as_standard_input(tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    capture.write_bytes(TRUCK * 2)
    result = CliRunner().invoke(decode, ["--profile", TF0, str(capture)])
    assert len(lines(result)) == 2


def test_no_bytes_sends_the_installer_to_power_cable_and_port() -> None:
    result = run(TF0, b"")
    assert result.stdout == ""
    assert "No bytes: nothing arrived. Check the indicator's power, the cable" in result.stderr
    assert result.exit_code == 1


def test_bytes_of_another_profile_name_that_profile() -> None:
    result = run(TOLEDO, TRUCK * 3)
    assert "Bytes but no frames" in result.stderr
    assert f"The profile {TF0} reads these bytes: try it" in result.stderr
    assert result.exit_code == 1


def test_parity_in_bit_7_is_named_when_it_is_why_nothing_was_read() -> None:
    result = run(TF0, bytes(byte | (byte.bit_count() % 2) << 7 for byte in TRUCK * 3))
    assert "Bit 7 carries parity: the port is open as 8N1, the device sends 7E1 or 7O1" in result.stderr
    assert result.exit_code == 1


def test_parity_in_bit_7_is_mentioned_when_the_profile_masks_it() -> None:
    result = run(TOLEDO, bytes(byte | (byte.bit_count() % 2) << 7 for byte in CHK))
    assert 'Bit 7 was set and is ignored. To have parity checked: data_format = "7E1"' in result.stderr
    assert result.exit_code == 0


def test_noise_points_to_baud_rate_and_format() -> None:
    result = run(TF0, bytes(range(128, 256)))
    assert "Check the baud rate and format first (the profile says 9600 8N1)" in result.stderr
    assert "Some bytes are not text" in result.stderr


def test_wrong_checksums_only_are_told_apart_from_noise() -> None:
    result = run(TOLEDO, CHK[:-1] + b"\x01")
    assert [line["garbled"][:14] for line in lines(result)] == ["wrong checksum"]
    assert "1 frame had the right form and a wrong checksum" in result.stderr
    assert result.exit_code == 1


def test_the_variant_to_pin_is_named_when_all_frames_agree() -> None:
    assert 'Pin it in the site file: variant = "chk"' in run(TOLEDO, CHK * 3).stderr
    assert 'Pin it in the site file: variant = "plain"' in run(TOLEDO, PLAIN * 3).stderr
    assert "Pin it" not in run(TOLEDO, CHK * 3, "--variant", "chk").stderr
    assert "Pin it" not in run(TF0, TRUCK).stderr


def test_a_variant_pinned_wrongly_is_told() -> None:
    result = run(TOLEDO, CHK * 3, "--variant", "plain")
    assert [line for line in lines(result) if "reading" in line] == []
    assert "The bytes are of the variant chk: change or remove the variant that is pinned" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "scale/yaohua", "-"], "There is no device profile 'scale/yaohua'"),
        (["--profile", TOLEDO, "--variant", "ckh", "-"], "has no variant 'ckh'. Did you mean 'chk'?"),
        (["--profile", TF0, "/no/such/file"], "No such file or directory"),
        (["--profile", TF0, "/"], "Is a directory"),
        (["-"], "Missing option '--profile'"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(decode, arguments, input=b"")
    assert told in result.stderr
    assert result.exit_code == 2


def test_a_profile_of_ones_own_can_be_tried_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "scale").mkdir()
    (tmp_path / "scale" / "mine.toml").write_text("[device]\nmaker = 1\n")
    result = run("scale/mine", TRUCK, "--profile-dir", str(tmp_path))
    assert "mine.toml" in result.stderr
    assert "device.maker" in result.stderr
    assert result.exit_code == 2
    # It is no obstacle to diagnosing with another profile.
    assert "Bytes but no frames" in run(TF0, b"nothing", "--profile-dir", str(tmp_path)).stderr


def test_bytes_are_taken_as_they_arrive_and_not_when_a_buffer_is_full() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        chunks = _chunks(source)
        for part in (b"a", b"bc"):
            threading.Thread(target=os.write, args=(writer, part)).start()
            assert next(chunks) == part
        os.close(writer)
        assert list(chunks) == []


def test_ctrl_c_ends_the_input_and_keeps_the_summary() -> None:
    class Interrupted(io.BytesIO):
        def read1(self, _size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    assert list(_chunks(Interrupted())) == []


def test_a_frame_with_two_weights_is_two_lines_and_its_bytes_are_in_the_first() -> None:
    ticket = (CAPTURES / "ohaus-defender" / "ticket.bin").read_bytes()
    gross, net = lines(run("scale/ohaus-defender", ticket))
    assert (gross["hex"], net["hex"]) == (ticket.hex(" "), "")
    assert (gross["offset"], net["offset"]) == (0, 0)
    assert [line["reading"]["kind"] for line in (gross, net)] == ["gross", "net"]


def test_flags_notes_and_parts_are_told() -> None:
    held = lines(run("scale/and-ad4400", b"@23HD,GS,+0015240kg\r\n"))[0]
    assert (held["flags"], held["reading"]["address"]) == (["hold"], "23")
    ticket = lines(run("scale/axle-pt300-ticket", (CAPTURES / "axle-pt300-ticket" / "one_group.bin").read_bytes()))[0]
    assert ticket["reading"]["axles"] == ["6240", "10060"]


def test_what_is_asked_on_a_shared_line_is_a_request_and_no_reading() -> None:
    result = run("scale/yaohua-xk3190-a9-command", bytes.fromhex("024144303503"))
    assert lines(result)[0]["request"] == {"address": 1, "command": "read net"}
    assert result.exit_code == 1


def test_a_kind_that_cannot_be_decoded_is_told() -> None:
    result = run("scales/mt-sics", b"")
    assert "its kind is not known" in result.stderr
    assert "Did you mean 'scale'?" in result.stderr
    assert result.exit_code == 2


def test_the_profile_that_reads_the_most_is_proposed() -> None:
    result = run(TF0, b"S S      15240 kg\r\n" * 3)
    assert "The profile scale/mt-sics reads these bytes: try it" in result.stderr


def test_a_device_that_only_answers_is_silent_when_nobody_asks() -> None:
    assert "somebody asks: such a device only answers" in run("scale/toledo-8217", b"").stderr


def test_a_state_between_weights_does_not_hide_the_variant_to_pin() -> None:
    result = run("scale/mt-sics", b"S S      15240 kg\r\nS I\r\n" * 3)
    assert 'Pin it in the site file: variant = "weight"' in result.stderr
