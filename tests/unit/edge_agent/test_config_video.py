"""[[video]] and [vision] of a site file: what each source is, what belongs to it, and what is wrong in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import SiteError, SiteFile, load_site
from edge_agent.config_video import kind_of

LANE = '\n[[lane]]\nid = "in-1"\nkind = "vehicle"\n'
CAM = '[[video]]\nid = "cam"\nsource = "{source}"\n{more}\n'


def loaded(tmp_path: Path, text: str) -> SiteFile:
    path = tmp_path / "site.toml"
    path.write_text('site = "xiuying"\n' + text + LANE, encoding="utf-8")
    return load_site(path)


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(SiteError) as caught:
        loaded(tmp_path, text)
    return str(caught.value)


def cam(source: str = "rtsp://10.0.0.2/1", more: str = 'reads = ["plate"]\nlane = "in-1"') -> str:
    return CAM.format(source=source, more=more)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("rtsp://10.0.0.2/1", "rtsp"),
        ("rtsps://10.0.0.2/1", "rtsp"),
        ("http://10.0.0.2/video", "http"),
        ("https://10.0.0.2/video", "http"),
        ("/dev/v4l/by-id/usb-x", "v4l2"),
        ("picamera2", "picamera2"),
        ("picamera2:1", "picamera2"),
        ("lane.MP4", "file"),
        ("snap.jpeg", "image"),
        ("/srv/ftp/camera", "folder"),
    ],
)
def test_what_a_source_is_shows_in_how_it_is_written(source: str, kind: str) -> None:
    assert kind_of(source) == kind


def test_a_video_that_reads_plates_is_a_camera_of_its_lane(tmp_path: Path) -> None:
    site = loaded(tmp_path, cam())

    assert site.lane[0].cameras == ("cam",)
    assert (site.video[0].kind, site.video[0].profile, site.video[0].port) == (
        "video", "video/rtsp", "rtsp://10.0.0.2/1",
    )  # fmt: skip


def test_files_are_beside_the_site_file(tmp_path: Path) -> None:
    text = (
        '[vision]\nmodels = "models"\n'
        + cam("lane.mp4")
        + CAM.format(source="http://10.0.0.2/v", more='user = "gate"\npassword_file = "cam.password"').replace(
            '"cam"', '"other"'
        )
    )
    site = loaded(tmp_path, text)

    assert site.vision.models == tmp_path / "models"
    assert site.video[0].source == str(tmp_path / "lane.mp4")
    assert site.video[1].password_file == tmp_path / "cam.password"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (cam("ftp://10.0.0.2/x"), "is no camera that can be read"),
        (cam(""), "source is empty"),
        (cam("rtsp://gate:s3cret@10.0.0.2/1"), "no user and password here"),
        (cam("rtsp://10.0.0.2:port/1"), "is no address of a camera"),
        (cam(more='reads = ["plate"]'), "lane: is missing"),
        (cam(more='reads = ["plate"]\nlane = "out"'), "there is no lane 'out'"),
        (cam(more='reads = ["plates"]'), "did you mean 'plate'"),
        (cam(more='reads = ["face", "face"]'), "twice"),
        (cam(more="region = [0.5, 0, 0.6, 1]"), "region is left, top, width, height"),
        (cam(more="region = [0, 0, nan, 1]"), "region is left, top, width, height"),
        (cam(more='every = "1 s"'), "that is for http"),
        (cam("/dev/video0", "size = [1920]"), "size is width and height"),
        (cam("picamera2", 'user = "x"'), "user"),
        (cam(more='user = "x"'), "user and password_file belong together"),
        (cam("http://10.0.0.2/v", 'ca_file = "ca.pem"'), "are for https://"),
        (cam("snap.jpg", 'frozen_after = "1 s"'), "of kind image"),
        (cam() + cam("rtsp://10.0.0.3/1"), "is used twice"),
        (cam("/dev/video0") + cam("/dev/video0").replace('"cam"', '"b"'), "first as video"),
        (cam() + '[[lane]]\nid = "out-1"\nkind = "vehicle"\ncameras = ["cam"]', "names its lane itself"),
        (cam(more='calibration = "c.json"'), 'for reads = ["face"]'),
        (cam(more='portraits = "/run/desk"'), 'for reads = ["face"]'),
        (cam(more='reads = ["plate", "face"]\nlane = "in-1"'), "travellers would be in them"),
        (CAM.format(source="rtsp://10.0.0.2/1", more=""), "none of its devices reads what completes a passage"),
        ("[vision]\nthreads = 0\n" + cam(), "threads"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    assert says in problems(tmp_path, text)
