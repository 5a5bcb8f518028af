"""The site file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.config import SiteError, load_site
from edge_agent.errors import ConfigError

GOOD = """\
site = "haikou-xiuying"

[agent]
state_dir = "state"

[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/serial/by-id/usb-1"
division = "20 kg"

[[scale]]
id = "scale-2"
profile = "scale/mettler-toledo-continuous"
port = "socket://192.168.1.9:4001"
division = "0.02 t"

[[camera]]
id = "camera-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["192.168.1.64", "10.0.0.0/8"]

[[camera]]
id = "camera-2"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["0.0.0.0/0"]

[[lane]]
id = "L1"
kind = "vehicle"
direction = "outbound"
scales = ["scale-1"]
cameras = ["camera-1"]
grace = "1500 ms"

[[lane]]
id = "L2"
kind = "vehicle"
goods = "free"
scales = ["scale-2"]
cameras = ["camera-2"]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read_with_its_units(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, GOOD))
    assert site.site == "haikou-xiuying"
    assert [scale.division for scale in site.scale] == [Decimal(20), Decimal(20)]
    assert site.lane[0].grace == 1.5
    assert (site.lane[0].goods, site.lane[1].goods) == ("regulated", "free")
    assert site.camera[0].push_path == "/push/camera-1"
    assert [str(network) for network in site.camera[0].networks] == ["192.168.1.64/32", "10.0.0.0/8"]
    assert site.agent.state_dir == tmp_path / "state", "relative paths are meant from the file"
    assert len(site.sha256) == 32


WRONG = [
    ('division = "20 kg"', 'divison = "20 kg"', ["scale-1", "divison", "did you mean 'division'"]),
    ('division = "20 kg"', 'division = "20 s"', ["scale-1", "division", "'s' is no unit of a mass", "20 kg"]),
    ('division = "20 kg"', "division = 20", ["scale-1", "division", "with its unit in quotes"]),
    ('division = "20 kg"\n', "", ["scale-1", "division", "is missing"]),
    ('grace = "1500 ms"', 'grace = "1500 kg"', ['lane "L1"', "grace", "'kg' is no unit of a time"]),
    ("socket://192.168.1.9:4001", "/dev/serial/by-id/usb-1",
     ['scale "scale-2", port', "'/dev/serial/by-id/usb-1' is used twice", 'scale "scale-1"']),
    ('id = "scale-2"', 'id = "scale-1"', ['scale "scale-1", id', "'scale-1' is used twice"]),
    ('id = "L2"', 'id = "L1"', ['lane "L1", id', "'L1' is used twice"]),
    ('scales = ["scale-1"]', 'scales = ["scale1"]', ['lane "L1", scales', "'scale1'", "did you mean 'scale-1'"]),
    ('cameras = ["camera-2"]', 'cameras = ["camera-1"]', ["camera-1", "used twice"]),
    ('scales = ["scale-1"]\n', "", ['scale "scale-1": no lane uses it']),
    ('listen = "127.0.0.1:8080"\nallow = ["0', 'listen = "0.0.0.0:8080"\nallow = ["0',
     ['camera "camera-2", listen', "port 8080", "used twice", "same host"]),
    ('allow = ["0.0.0.0/0"]', "allow = []", ['camera "camera-2"', "allow"]),
    ('allow = ["0.0.0.0/0"]', 'allow = ["camera"]', ['camera "camera-2"', "allow", "192.168.1.64"]),
    ('listen = "127.0.0.1:8080"\nallow = ["1', 'listen = "8080"\nallow = ["1', ["listen", "host:port"]),
    ('kind = "vehicle"\ngoods', 'kind = "boat"\ngoods', ['lane "L2"', "kind", "vehicle"]),
    ('profile = "plate/hikvision-isapi-push"\nlisten = "127.0.0.1:8080"\nallow = ["0',
     'profile = "hikvision"\nlisten = "127.0.0.1:8080"\nallow = ["0', ["camera-2", "profile", "hikvision-isapi-push"]),
    ("[agent]", "[agnet]", ["agnet", "did you mean 'agent'"]),
    ('site = "haikou-xiuying"', 'site = "Haikou Xiuying"', ["site"]),
    ('grace = "1500 ms"', 'open_weight = "100 kg"', ["clear_weight", "open_weight"]),
    ('site = "haikou-xiuying"', "site = haikou", ["not TOML", "line 1"]),
    ('division = "20 kg"', "division = 20 kg", ["line 10", "put the value in quotes", '"20 kg"']),
    ('division = "20 kg"', "division = “20 kg”", ["line 10", "straight quotes"]),
    ('division = "20 kg"', 'division = "0 kg"', ["scale-1", "division", "more than 0"]),
    ('division = "20 kg"', 'division = "20 kg"\nsilent_after = "0 s"', ["scale-1", "silent_after", "more than 0"]),
    ('division = "20 kg"', 'division = "20 kg"\nbaud = "9600"', ["baud", "whole number without quotes"]),
    ('division = "20 kg"', 'division = "20 kg"\nbaud = 5', ["baud", "at least 110"]),
    ('division = "20 kg"', 'division = "20 kg"\ndata_format = "8X1"', ["data_format", "7E1"]),
    ('profile = "scale/yaohua-xk3190-a9-tf0"', 'profile = "yaohua"', ["scale-1", "profile", "scale/"]),
    ('port = "/dev/serial/by-id/usb-1"', 'port = "COM3"', ["scale-1", "port", "/dev/serial/by-id"]),
    ('port = "/dev/serial/by-id/usb-1"', 'port = ""', ["scale-1", "port", "/dev/serial/by-id"]),
    ('port = "/dev/serial/by-id/usb-1"', "port = 3", ["scale-1", "port", "text in quotes"]),
    ("socket://192.168.1.9:4001", "tcp://192.168.1.9:4001", ["scale-2", "port", "socket://HOST:PORT"]),
    ("socket://192.168.1.9:4001", "socket://192.168.1.9", ["scale-2", "port", "socket://HOST:PORT"]),
    ('port = "/dev/serial/by-id/usb-1"', 'port = "rfc2217://192.168.1.9:4001"', ["scale-2", "port", "used twice"]),
    ('listen = "127.0.0.1:8080"\nallow = ["1', 'listen = "camera:8080"\nallow = ["1', ["listen", "host:port"]),
    ('listen = "127.0.0.1:8080"\nallow = ["1', 'listen = "127.0.0.1:0"\nallow = ["1', ["listen", "host:port"]),
    ('listen = "127.0.0.1:8080"\nallow = ["1', 'listen = "::1:8080"\nallow = ["1', ["listen", "host:port"]),
    ('allow = ["0.0.0.0/0"]', 'allow = "0.0.0.0/0"', ["allow", 'write ["0.0.0.0/0"]']),
    ('scales = ["scale-1"]', 'scales = "scale-1"', ["scales", 'write ["scale-1"]']),
    ('kind = "vehicle"\ngoods', 'kind = "Vehicle"\ngoods', ['lane "L2"', "kind", "did you mean 'vehicle'"]),
    ("[agent]", "[[agent]]", ["agent", "single brackets"]),
    ('state_dir = "state"', "state_dir = 5", ["agent, state_dir", "path in quotes"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), WRONG)
def test_what_is_wrong_is_told_with_file_key_and_fix(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    for piece in [str(path), *told]:
        assert piece in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('division = "20 kg"', 'division = "20 s"').replace('grace = "1500 ms"', 'grase = "1 s"')
    with pytest.raises(ConfigError) as caught:
        load_site(write(tmp_path, text))
    assert "no unit of a mass" in str(caught.value)
    assert "grase" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        load_site(tmp_path / "nothing.toml")


def test_a_file_that_is_not_utf8_says_so(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes('site = "海口"'.encode("gb18030"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load_site(path)


def test_what_is_wrong_within_a_list_is_not_told_as_an_empty_list(tmp_path: Path) -> None:
    text = GOOD.replace('allow = ["0.0.0.0/0"]', 'allow = ["camera"]').replace('kind = "vehicle"', 'kind = "boat"')
    with pytest.raises(SiteError) as caught:
        load_site(write(tmp_path, text))
    keys = [problem.partition(":")[0] for problem in caught.value.problems]
    assert keys == ['camera "camera-2", allow number 1', 'lane "L1", kind', 'lane "L2", kind']


def test_one_port_under_two_names_is_told(tmp_path: Path) -> None:
    (tmp_path / "scale").symlink_to("/dev/serial/by-id/usb-1")
    text = GOOD.replace("socket://192.168.1.9:4001", str(tmp_path / "scale"))
    with pytest.raises(SiteError, match=r"scale \"scale-2\", port: '/dev/serial/by-id/usb-1' is used twice"):
        load_site(write(tmp_path, text))


def test_one_table_where_several_may_be_says_how_to_write_it(tmp_path: Path) -> None:
    text = f'site = "haikou"\n[lane]\n{GOOD.rpartition("[[lane]]")[2]}'
    with pytest.raises(SiteError, match=r"lane: there may be several: write \[\[lane\]\]"):
        load_site(write(tmp_path, text))


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="byte order mark"):
        load_site(write(tmp_path, "\ufeff" + GOOD))


def test_line_ends_of_another_system_do_not_matter(tmp_path: Path) -> None:
    assert load_site(write(tmp_path, GOOD.replace("\n", "\r\n"))).site == "haikou-xiuying"


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_lacks_a_site_and_a_lane(tmp_path: Path, text: str) -> None:
    with pytest.raises(SiteError) as caught:
        load_site(write(tmp_path, text))
    assert caught.value.problems == ["site: is missing; add it", "lane: is missing; add it"]


@pytest.mark.parametrize("listen", ["[::1]:8080", "localhost:8080", "0.0.0.0:1", "192.168.1.10:65535"])
def test_addresses_to_listen_on(tmp_path: Path, listen: str) -> None:
    site = load_site(write(tmp_path, GOOD.replace('"127.0.0.1:8080"', f'"{listen}"')))
    assert site.camera[0].listen == listen
