"""`python -m edge_agent.simulate`: run one emulated lane by hand, or write the traffic's declarations."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.camera import CHINA
from edge_agent.simulate.declarations import as_csv, as_json
from edge_agent.simulate.plan import LanePlan, Plan, build_plan
from edge_agent.simulate.scenario import demo_scenario, read_scenario
from edge_agent.simulate.site import Crossing, LaneEmulator

SIGINT_EXIT = 130  # 128 + SIGINT, as shells count
SCENARIO = click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Scenario file (TOML); without it the demo's, as shipped.",
)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@SCENARIO
@click.option("--lane", "lane_id", help="Which of the scenario's lanes to run.")
@click.option("--port-link", type=click.Path(path_type=Path), help="Where the scale's port is to appear.")
@click.option("--camera-url", help="Where the plate camera posts, e.g. http://127.0.0.1:8081/plate-1.")
@click.pass_context
def main(
    context: click.Context, scenario: Path | None, lane_id: str | None, port_link: Path | None, camera_url: str | None
) -> None:
    """Run one emulated lane: a scale on a pty, a plate camera, and the scenario's trucks."""
    if context.invoked_subcommand is not None:
        if (scenario, lane_id, port_link, camera_url) != (None,) * 4:
            raise click.UsageError(f"Put options after {context.invoked_subcommand}.")
        return
    if lane_id is None or port_link is None or camera_url is None:
        raise click.UsageError("To run a lane give --lane, --port-link and --camera-url.")
    plan = _plan(scenario)
    try:
        crossed_all = _run(_lane(plan, lane_id), port_link, camera_url)
    except (EdgeAgentError, OSError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if crossed_all else SIGINT_EXIT)


@main.command()
@SCENARIO
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".csv or .json")
@click.option("--late", is_flag=True, help="Only those that are to be imported after their vehicle has passed.")
def declarations(scenario: Path | None, output: Path, late: bool) -> None:
    """Write the declarations of the scenario's traffic, for the collector to import."""
    plan = _plan(scenario)
    chosen = plan.late_declarations if late else plan.declarations
    writers = {".csv": as_csv, ".json": as_json}
    if output.suffix not in writers:
        raise click.UsageError(f"{output} must end in .csv or .json.")
    try:
        output.write_text(writers[output.suffix](chosen), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error}") from error
    click.echo(f"{len(chosen)} declarations in {output}")


def _plan(scenario: Path | None) -> Plan:
    try:
        return build_plan(read_scenario(scenario) if scenario else demo_scenario(), datetime.now(CHINA))
    except EdgeAgentError as error:
        raise click.ClickException(str(error)) from error


def _lane(plan: Plan, lane_id: str) -> LanePlan:
    for lane in plan.lanes:
        if lane.lane.lane_id == lane_id:
            return lane
    known = ", ".join(lane.lane.lane_id for lane in plan.lanes)
    raise click.UsageError(f"The scenario has no lane {lane_id}; it has {known}.")


def _run(lane: LanePlan, port_link: Path, camera_url: str) -> bool:
    """Run it to its end or to Ctrl-C; whether every vehicle crossed."""
    emulator = LaneEmulator(lane, port_link, camera_url, on_crossed=_show)
    try:
        with emulator:
            click.echo(f"scale at {port_link} -> {emulator.indicator.port}, {len(lane.vehicles)} vehicles to come")
            return emulator.wait()
    except KeyboardInterrupt:
        click.echo(f"stopped after {len(emulator.crossings)} vehicles")
        return False


def _show(crossing: Crossing) -> None:
    """One line a truck: what it is, what was injected and what verdict is due."""
    vehicle = crossing.vehicle
    seen = vehicle.plate if vehicle.read_as == vehicle.plate else f"{vehicle.plate} read as {vehicle.read_as}"
    due = vehicle.truth.at_passage
    later = f", in the end {vehicle.truth.finally_}" if vehicle.truth.finally_ != due else ""
    posted = crossing.sighting.result().last_answer if crossing.sighting.done() else "still trying"
    click.echo(
        f"{vehicle.number:3d}  {crossing.arrived:%H:%M:%S}  {seen}  {vehicle.gross_kilograms:,.0f} kg  "
        f"{vehicle.injection}: {due}{later}  (camera: {posted})"
    )


if __name__ == "__main__":
    main(prog_name="python -m edge_agent.simulate")
