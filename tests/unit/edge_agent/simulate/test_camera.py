from __future__ import annotations

import re
import socket
from concurrent.futures import Future
from typing import Any

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.anpr import CameraDetails
from edge_agent.simulate.camera import MOST_WAITING, Delivery, HikvisionCamera

DETAILS = CameraDetails("DS-1")
WAIT_S = 5


def a_camera(url: str, **patience: Any) -> HikvisionCamera:
    return HikvisionCamera(url, DETAILS, **({"retry_every_s": 0.02, "heartbeat_every_s": 60.0} | patience))


def said(body: bytes, tag: str) -> list[str]:
    return re.findall(f"<{tag}>(.*?)</{tag}>", body.decode(errors="replace"))


def test_an_event_is_posted_once_when_it_is_answered_with_200(gate: Any) -> None:
    with a_camera(gate.url) as camera:
        delivery = camera.see("粤B12345", "blue").result(WAIT_S)
    assert (delivery.posts, delivery.accepted, delivery.last_answer) == (1, True, "200")
    [post] = gate.events
    assert post.path == "/plate-1"
    assert post.media_type == "multipart/form-data; boundary=boundary"
    assert said(post.body, "licensePlate") == ["粤B12345"]


def test_an_event_that_is_refused_comes_again_as_the_same_event_with_the_next_post_count(gate: Any) -> None:
    gate.answers = [503, 500, 200]
    with a_camera(gate.url) as camera:
        delivery = camera.see("粤B12345", "blue").result(WAIT_S)
    assert (delivery.posts, delivery.accepted) == (3, True)
    assert [said(post.body, "activePostCount") for post in gate.events] == [["1"], ["2"], ["3"]]
    assert {tuple(said(post.body, "UUID")) for post in gate.events} == {(delivery.event.uuid,)}
    assert all(delivery.event.vehicle_picture in post.body for post in gate.events)


def test_an_event_survives_a_gate_that_is_down_for_a_while(gate: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with a_camera(f"http://127.0.0.1:{free}/") as camera:
        sighting = camera.see("粤B12345", "blue")
        with pytest.raises(TimeoutError):
            sighting.result(0.1)
        camera._host, camera._port, camera._path = "127.0.0.1", int(gate.url.split(":")[2].split("/")[0]), "/"
        delivery = sighting.result(WAIT_S)
    assert delivery.accepted
    assert delivery.posts > 1
    assert len(gate.events) == 1


def test_a_camera_gives_an_event_up_in_the_end_and_says_why(gate: Any) -> None:
    gate.answers = [503] * 1000
    with a_camera(gate.url, give_up_after_s=0.1) as camera:
        delivery = camera.see("粤B12345", "blue").result(WAIT_S)
    assert not delivery.accepted
    assert delivery.last_answer == "503"
    assert 2 <= delivery.posts <= 7


def test_events_keep_their_order_while_the_gate_refuses(gate: Any) -> None:
    gate.answers = [503, 503, 503]
    plates = ["粤B00001", "粤B00002", "粤B00003"]
    with a_camera(gate.url) as camera:
        for sighting in [camera.see(plate, "blue") for plate in plates]:
            assert sighting.result(WAIT_S).accepted
    assert [said(post.body, "licensePlate")[0] for post in gate.events] == [plates[0]] * 3 + plates


def test_a_camera_that_repeats_itself_sends_the_same_event_twice(gate: Any) -> None:
    with a_camera(gate.url) as camera:
        delivery = camera.see("粤B12345", "blue", times=2).result(WAIT_S)
    assert (delivery.posts, delivery.accepted) == (2, True)
    assert len({tuple(said(post.body, "UUID")) for post in gate.events}) == 1


def test_heartbeats_come_by_themselves_between_events(gate: Any) -> None:
    with a_camera(gate.url, heartbeat_every_s=0.02) as camera:
        assert gate.wait_for_heartbeats(3)
        assert camera.see("粤B12345", "blue").result(WAIT_S).accepted
    assert gate.heartbeats[0].media_type.startswith("application/xml")
    assert said(gate.heartbeats[0].body, "eventType") == ["videoloss"]


def test_stopping_a_camera_settles_everything_that_waits(gate: Any) -> None:
    gate.answers = [503] * 1000
    with a_camera(gate.url, retry_every_s=60.0) as camera:
        sightings = [camera.see("粤B12345", "blue") for _ in range(3)]
        assert gate.wait_for_events(1)
    assert [sighting.result(0).accepted for sighting in sightings] == [False] * 3


def test_a_camera_whose_memory_is_full_loses_what_it_sees_and_says_so() -> None:
    camera = a_camera("http://127.0.0.1:9/")
    sightings: list[Future[Delivery]] = [camera.see("粤B12345", "blue") for _ in range(MOST_WAITING + 1)]
    assert [sighting.done() for sighting in sightings] == [False] * MOST_WAITING + [True]
    assert "wait already" in sightings[-1].result().last_answer


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "127.0.0.1:80", ""])
def test_a_camera_says_what_kind_of_url_it_needs(url: str) -> None:
    with pytest.raises(EdgeAgentError, match="Give a URL"):
        a_camera(url)
