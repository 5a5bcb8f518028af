"""A barrier on Modbus opens for those who are let go, once each, and for nobody else; what the loop saw is recorded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from edge_agent.simulate.gate import Gate
from edge_agent.simulate.io_box import BARRIER, RED, IoBox
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import running, wait_until
from edge_agent.simulate.site import LaneEmulator
from edge_agent.status.reading import records
from gate_contract.v1.act_pb2 import ACTUATOR_KIND_BARRIER, Actuation
from gate_contract.v1.record_pb2 import Record
from tests.journeys.world import World, plan_of


def actuations(gate: Gate) -> list[Actuation]:
    found = [Record.FromString(body) for _, body in records(gate.state_dir, 0, 10_000)]
    return [record.actuation for record in found if record.HasField("actuation")]


def test_the_barrier_opens_once_for_each_who_is_let_go_and_what_the_loop_saw_is_recorded(tmp_path: Path) -> None:
    plan = plan_of(6, injections="undeclared = 2")
    world = World(tmp_path, plan)
    http, io_port = free_ports(2)
    world.gate = gate = Gate(tmp_path / "gate-with-barrier", plan.lanes[0], http, "gate-1", io_port)
    with running(world.collector, gate.agent), IoBox(io_port) as box:
        world.start()
        wait_until("the lamp is red", lambda: box.coil(RED))
        with LaneEmulator(plan.lanes[0], gate.port_link, gate.camera_url, gate.may_go, box=box) as lane:
            assert lane.wait(120)
        wait_until("the last is recorded", lambda: [each.outcome for each in actuations(gate)].count("passed") == 4)
        wait_until("the barrier is down", lambda: not box.coil(BARRIER))
        went = {crossing.vehicle.number for crossing in lane.crossings if crossing.through}
        assert went == {each.number for each in plan.vehicles if each.truth.at_passage.action == "RELEASE"}
        assert len(box.rises(BARRIER)) <= len(went)
        told = [each for each in actuations(gate) if each.kind == ACTUATOR_KIND_BARRIER and each.passage_id]
        opened = Counter(each.passage_id for each in told if each.command == "open" and not each.outcome)
        assert set(opened.values()) == {1}
        assert len(opened) == len(went)
        assert all(each.confirmed for each in told if not each.outcome)
        passed = {each.passage_id for each in told if each.outcome == "passed" and each.HasField("seen")}
        assert passed == set(opened)
        world.settle()
        world.assert_nothing_missing_or_double()
    assert not box.coil(BARRIER)
