from __future__ import annotations

import socket
from contextlib import closing

from edge_agent.app.line import Line
from edge_agent.clock import SystemClock
from edge_agent.config import ScaleTable
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.simulate.programs import wait_until

FRAME = bytes.fromhex("02 2b 30 32 36 35 38 30 30 31 32 03")


class Listener:
    def __init__(self) -> None:
        self.heard = b""

    def on_bytes(self, chunk: bytes, now: Moment) -> None:
        assert now.seconds_since(now) == 0
        self.heard += chunk

    def on_link(self, event: DeviceEvent) -> None:
        assert event.device_id


def test_the_id_that_a_scales_converter_sends_first_is_no_part_of_what_the_scale_sends() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        table = ScaleTable.model_validate(
            {
                "id": "scale-1",
                "profile": "scale/yaohua-xk3190-a9-tf0",
                "port": f"socket://127.0.0.1:{server.getsockname()[1]}",
                "division": "20 kg",
                "hello": "44 54 55 2d 31",
            }
        )
        line, listener = Line([table], SystemClock()), Listener()
        line.attach(listener)
        line.start()
        try:
            connection, _ = server.accept()
            with connection:
                for piece in (b"DT", b"U-1" + FRAME[:4], FRAME[4:]):
                    connection.sendall(piece)
                wait_until("the frame is there", lambda: listener.heard.endswith(FRAME[4:]))
        finally:
            line.stop()
    assert listener.heard == FRAME
