"""What `edge-agent devices probe` found, for a person and for a script: the evidence, the doubts, what to write.

Pure but for loading the profiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.commands.devices._attempts import Try, setting
from edge_agent.commands.devices._fit import Fit, rivals

SHOWN_FITS = 3


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one port.

    Attributes:
        tries: all that was tried, in that order.
        profile_dir: where the installer's own profiles are, if anywhere.
    """

    port: str
    tries: Sequence[Try]
    profile_dir: Path | None = None

    @property
    def best(self) -> Try | None:
        """The try whose profile reads most; None when nothing fits."""
        return max((each for each in self.tries if each.fit), key=_quality, default=None)

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        best = self.best
        return {
            "port": self.port,
            "fits": best.as_json() if best else None,
            "site_file": self.site_lines(best) if best else None,
            "doubts": list(_doubts(best.found)) if best else [],
            "tried": [each.as_json() for each in self.tries],
            "advice": None if best else self.advice(),
        }

    def told(self) -> Iterator[str]:
        """For a person."""
        for each in self.tries:
            if each.data or each.problem:
                asked = f", asked as {each.asked}" if each.asked else ""
                asked += f" at address {each.address}" if each.address else ""
                yield f"{each.baud} {each.data_format}{asked}: {len(each.data)} bytes  {each.problem}".rstrip()
                yield from (f"    {_verdict(fit)}  {fit.told()}" for fit in each.found[:SHOWN_FITS])
        best = self.best
        if best is None:
            yield self.advice()
            return
        yield "\nFor the site file:\n"
        yield self.site_lines(best)
        for line in _doubts(best.found):
            yield f"\n{line}"

    def site_lines(self, best: Try) -> str:
        """What to write; only called where something fits."""
        name = best.found[0].profile
        own, is_scale = setting(name, self.profile_dir), name.startswith("scale/")
        lines = [f"[[{'scale' if is_scale else 'device'}]]", 'id = "NAME"', f'profile = "{name}"']
        lines += [f'profile_dir = "{self.profile_dir.resolve()}"'] if self.profile_dir else []
        lines.append(f'port = "{self.port}"')
        lines += [f'address = "{best.address}"'] if best.address else []
        lines += [f'ask = ["{best.command}"]'] if best.command else []
        if not self.port.startswith("socket://"):
            lines += [f"baud = {best.baud}"] if best.baud != own[0] else []
            parity = own[1].startswith("7") and not best.data.isascii()  # seen in bit 7: the profile's format checks it
            lines += [f'data_format = "{best.data_format}"'] if best.data_format != own[1] and not parity else []
        lines += ['division = ""  # e, on the scale\'s plate, e.g. "20 kg"'] if is_scale else []
        return "\n".join(lines)

    def advice(self) -> str:
        """What to do where nothing fits."""
        problem = next((each.problem for each in self.tries if each.blocks), "")
        if problem:
            return f"The port cannot be read. {problem}"
        if not any(each.data for each in self.tries):
            return (
                "No bytes at any speed. Is the device on? Then the cable: the device's TX belongs on this machine's "
                "RX, and ground on ground; on RS-485 try A and B the other way round. In the device's menu: is its "
                "output on, or must it be asked (at a speed other than its maker's: --all; at an address other than "
                "the first: --addresses)? One that sends seldom, or only prints, needs longer: --seconds 30"
            )
        fits = [(each, fit) for each in self.tries for fit in each.found]
        if speechless := next(((each, fit) for each, fit in fits if fit.says_nothing), None):
            each, fit = speechless
            return (
                f"Frames of {fit.profile} came at {each.baud} {each.data_format}, and none holds a reading: they say "
                f"{', '.join(fit.states)}. Look at the device's display: bring it to a plain reading, and probe again"
            )
        if fits:
            each, fit = max(fits, key=lambda pair: (pair[1].share, pair[1].readings))
            return (
                f"{fit.profile} reads {fit.share:.0%} of the {fit.size} bytes that came at {each.baud} "
                f"{each.data_format} ({fit.readings} readings): too little to be sure. Listen for longer "
                "(--seconds 10); if it stays so, the line is disturbed or this is a relative of the device: look with "
                f"`edge-agent devices watch --port {self.port} --profile {fit.profile}` at what is garbled, and why"
            )
        return (
            "Bytes came and no profile reads them. Look at the speed whose bytes look like text in the list above, "
            "record them with `edge-agent devices record`, and compare with the device's manual: docs/profiles.md "
            "tells how to describe a new device"
        )


def _doubts(found: Sequence[Fit]) -> Iterator[str]:
    """What the bytes do not decide, and how to decide it; then what else their decoder would say."""
    first, others = found[0], rivals(found)
    if others:
        shows = "; ".join(f"{fit.shown} → {fit.profile}" for fit in (first, *others))
        yield (
            "AMBIGUOUS: these bytes mean different weights to different profiles. Compare with the device's display "
            f"before a weight is believed. If it shows {shows}"
        )
    same = [fit.profile for fit in found[1:] if fit.is_good and fit not in others]
    if same:
        yield (
            f"{', '.join(same)} would read these bytes in the same way; {first.profile} comes first because their form "
            "is its own. Compare with the device's plate"
        )
    if first.is_zero and (same or others):
        yield "Only zeros came, which many a profile reads alike: put a load on the scale and probe again"
    yield from first.notes


def _verdict(fit: Fit) -> str:
    return "fits" if fit.is_good else "mute" if fit.says_nothing else "no  "


def _quality(attempt: Try) -> tuple[float, int]:
    fit = attempt.fit
    return (fit.share, fit.readings) if fit else (0.0, 0)
