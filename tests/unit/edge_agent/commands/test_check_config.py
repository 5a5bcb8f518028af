"""`edge-agent check-config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands.check_config import check_config

SITE = """\
site = "haikou"

[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/null"
division = "20 kg"

[[camera]]
id = "camera-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["192.168.1.64"]

[[lane]]
id = "L1"
kind = "vehicle"
scales = ["scale-1"]
cameras = ["camera-1"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def check(file: Path, text: str, *options: str) -> Result:
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(check_config, ["--config", str(file), *options])


def answer(file: Path, text: str) -> tuple[int, dict[str, Any]]:
    done = check(file, text, "--json")
    return done.exit_code, json.loads(done.stdout)


def test_a_good_file_is_in_order(file: Path) -> None:
    done = check(file, SITE)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{file}: in order\n", "")
    assert answer(file, SITE) == (0, {"file": str(file), "problems": [], "warnings": []})


def test_problems_go_to_stderr_with_file_key_and_fix(file: Path) -> None:
    done = check(file, SITE.replace("division", "divison"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == f"{file}:"
    assert "  scale \"scale-1\", divison: there is no such key; did you mean 'division'?" in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"),
    [
        ("a9-tf0", "a9-tf1", 'scale "scale-1", profile', "Did you mean 'scale/yaohua-xk3190-a9-tf0'?"),
        ("division", 'variant = "tf1"\ndivision', 'scale "scale-1", variant', "Did you mean 'tf0'?"),
        ('scale/yaohua-xk3190-a9-tf0"', 'scale/mettler-toledo-continuous"\nunit = "kg"', 'scale "scale-1", unit',
         "Remove the key unit"),
        ('site = "haikou"', 'site = "haikou"\nagent = { policy = "nothing.toml" }', "agent, policy", "nothing.toml"),
    ],
)  # fmt: skip
def test_what_the_file_names_is_checked_too(file: Path, old: str, new: str, key: str, fix: str) -> None:
    code, told = answer(file, SITE.replace(old, new, 1))
    (problem,) = told["problems"]
    assert code == 1
    assert problem.startswith(f"{key}: ")
    assert fix in problem


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"),
    [
        ("/dev/null", "/dev/serial/by-id/nothing", 'scale "scale-1", port', "is the device plugged in?"),
        ("/dev/null", "/dev/ttyUSB7", 'scale "scale-1", port', "may be another device after a reboot"),
        ("127.0.0.1", "192.0.2.1", 'camera "camera-1", listen', "is no address of this machine"),
    ],
)
def test_what_is_absent_now_is_a_warning(file: Path, old: str, new: str, key: str, fix: str) -> None:
    code, told = answer(file, SITE.replace(old, new, 1))
    assert (code, told["problems"]) == (0, [])
    assert any(warning.startswith(f"{key}: ") and fix in warning for warning in told["warnings"])


def test_a_file_that_is_not_there_is_a_problem(file: Path) -> None:
    done = CliRunner().invoke(check_config, ["--config", str(file)])
    assert done.exit_code == 1
    assert "No such file or directory; name it with --config" in done.stderr


def test_profiles_of_the_installers_own_lie_beside_the_site_file(file: Path) -> None:
    for kind, model in (("scale", "yaohua-xk3190-a9-tf0"), ("plate", "hikvision-isapi-push")):
        shipped = Path(f"firmware_configs/{kind}/{model}.toml").read_text(encoding="utf-8")
        own = file.parent / "own" / kind / "mine.toml"
        own.parent.mkdir(parents=True)
        own.write_text(shipped, encoding="utf-8")
    site = SITE.replace("yaohua-xk3190-a9-tf0", "mine").replace("hikvision-isapi-push", "mine")
    for profile in ("scale/mine", "plate/mine"):
        site = site.replace(f'"{profile}"', f'"{profile}"\nprofile_dir = "own"')
    assert answer(file, site) == (0, {"file": str(file), "problems": [], "warnings": []})
    own = file.parent / "own/scale/mine.toml"
    own.write_text(own.read_text(encoding="utf-8").replace("baud = 9600", "baud = 50"), encoding="utf-8")
    code, told = answer(file, site)
    assert code == 1
    assert told["problems"][0].startswith('scale "scale-1", profile: The device profile')
    assert "link.baud" in told["problems"][0]
    assert str(own) in told["problems"][0]


def test_a_device_that_is_no_scale_is_looked_for_too(file: Path) -> None:
    device = '[[device]]\nid = "clock"\nprofile = "gnss/nmea0183"\nport = "/dev/ttyUSB77"\n'
    _, told = answer(file, SITE.replace("[[lane]]", f"{device}[[lane]]"))
    absent, other = told["warnings"]
    assert absent.startswith('device "clock", port: /dev/ttyUSB77 is not there now')
    assert "another device after a reboot" in other


@pytest.mark.parametrize(
    ("wrong", "told"),
    [('address = "%"', "The address '%' cannot be used"), ('ask = ["zero"]', "there is no command 'zero'")],
)
def test_what_is_wrong_with_one_scale_of_a_line_is_told_of_that_scale(file: Path, wrong: str, told: str) -> None:
    lone = 'profile = "scale/yaohua-xk3190-a9-command"\nport = "/dev/null"\ndivision = "20 kg"\n'
    pair = f'[[scale]]\nid = "scale-2"\naddress = "B"\n{lone}[[scale]]\nid = "scale-3"\n{wrong}\n{lone}'
    site = SITE.replace("/dev/null", "/dev/zero").replace("[[camera]]", f"{pair}[[camera]]")
    _, answered = answer(file, site.replace('["scale-1"]', '["scale-1", "scale-2", "scale-3"]'))
    (problem,) = answered["problems"]
    assert problem.startswith(f'scale "scale-3": {told}')
