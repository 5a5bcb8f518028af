"""The emulated input/output box is a Modbus device to the agent's own link."""

from __future__ import annotations

from edge_agent.links.modbus_bus import ModbusBus
from edge_agent.model.points import point
from edge_agent.simulate.io_box import IoBox
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import wait_until


def test_inputs_and_counts_are_read_and_coils_are_noted_when_they_are_switched_on() -> None:
    (port,) = free_ports(1)
    with IoBox(port) as box:
        bus = ModbusBus(f"tcp://127.0.0.1:{port}", 9600, "8N1", 2.0)
        loop, barrier = point("discrete:3"), point("coil:5")
        assert bus.read(1, [loop]) == {loop: 0}
        box.set_input(3, active=True)
        assert bus.read(1, [loop]) == {loop: 1}
        bus.write(1, barrier, True)
        wait_until("the box has seen its barrier rise", lambda: box.coil(5))
        bus.write(1, barrier, False)
        wait_until("and fall", lambda: not box.coil(5))
        assert len(box.rises(5)) == 1
        count = point("input:2")
        box.set_register(2, 63_235)
        assert bus.read(1, [count]) == {count: 63_235}
        bus.close()
