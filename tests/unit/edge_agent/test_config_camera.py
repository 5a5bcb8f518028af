"""[[camera]]: cameras that push and cameras that are asked, and what whoever mixes them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import SiteFile, load_site
from edge_agent.errors import ConfigError

SITE = """
site = "xiuying"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
{}

[[lane]]
id = "out-1"
kind = "vehicle"
cameras = ["plate-1"]
"""
PUSHES = 'listen = "127.0.0.1:8080"\nallow = ["127.0.0.1"]\n'
ASKED = 'url = "https://192.0.2.64"\n'


def load(directory: Path, camera: str) -> SiteFile:
    file = directory / "site.toml"
    file.write_text(SITE.format(camera), encoding="utf-8")
    return load_site(file)


def test_a_camera_that_pushes_may_be_asked_for_a_password(tmp_path: Path) -> None:
    camera = load(tmp_path, f'{PUSHES}user = "cam"\npassword_file = "secrets/cam"\nauth = "basic"\n').camera[0]
    assert (camera.push_path, camera.address) == ("/push/plate-1", ("127.0.0.1", 8080))
    assert camera.password_file == tmp_path / "secrets/cam"  # beside the site file


def test_a_camera_that_is_asked_has_a_url_and_says_what_is_known_of_it(tmp_path: Path) -> None:
    pinned = ":".join(["AB"] * 32)
    more = (
        f'channel = 3\nfingerprint = "{pinned}"\nzone = "Asia/Shanghai"\nlocal_as_utc = true\nsilent_after = "20 s"\n'
    )
    camera = load(tmp_path, ASKED + more).camera[0]
    assert (camera.url, camera.channel, camera.fingerprint) == ("https://192.0.2.64", 3, "ab" * 32)
    assert (camera.zone, camera.local_as_utc, camera.silent_after) == ("Asia/Shanghai", True, 20)
    assert camera.push_path == "https://192.0.2.64"
    assert camera.listen == ""


@pytest.mark.parametrize(
    ("camera", "told"),
    [
        ("", "write listen for a camera that pushes, or url"),
        (PUSHES + ASKED, "and not both"),
        ('listen = "127.0.0.1:8080"\n', "allow is missing"),
        (PUSHES + "channel = 2\n", "channel: that is for a camera that is asked"),
        (ASKED + 'allow = ["127.0.0.1"]\n', "allow: that is for a camera that pushes"),
        (ASKED + 'user = "cam"\n', "user and password_file belong together"),
        (ASKED + 'password = "x"\n', "password_file"),
        (ASKED + 'fingerprint = "abcd"\n', "64 hexadecimal digits"),
        (ASKED + 'zone = "China"\n', "is no time zone"),
        (ASKED + "channel = 0\n", "channel"),
        ('url = "http://192.0.2.64"\nca_file = "ca.pem"\n', "are for https://"),
        (f'url = "https://192.0.2.64"\nca_file = "ca.pem"\nfingerprint = "{"ab" * 32}"\n', "exclude each other"),
        ('url = "192.0.2.64"\n', "is no camera"),
        ('url = "http://192.0.2.64/ISAPI"\n', "a path goes into path"),
        ('url = "http://cam:secret@192.0.2.64"\n', "holds no user and password"),
        ('url = "http://192.0.2.64:port"\n', "is no camera"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, camera: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, camera)
    assert told in str(caught.value)
    assert "camera" in str(caught.value)
    assert "secret" not in str(caught.value)
