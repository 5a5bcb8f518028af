"""The DET plot of a calibration as SVG: false non-matches over false matches, a line a group, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 560
LEFT, TOP, RIGHT, BOTTOM = 90, 40, 200, 70
# Okabe and Ito's colours, told apart with any kind of sight
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
_DECADE_LABELS = {0: "1", -1: "0.1", -2: "0.01", -3: "10⁻³", -4: "10⁻⁴", -5: "10⁻⁵", -6: "10⁻⁶"}
_LOWEST = -6

Curve = Sequence[Sequence[float]]


def det_svg(curves: Mapping[str, Curve], marked: Mapping[str, tuple[float, float]], title: str) -> str:
    """The picture.

    Args:
        curves: group -> (threshold, FMR, FNMR) in rising order of the threshold. Rates of 0 are drawn at the edge.
        marked: text -> (FMR, FNMR) of thresholds to mark.
        title: above the plot.
    """
    rates = [rate for curve in curves.values() for point in curve for rate in point[1:]]
    smallest = math.floor(math.log10(min([rate for rate in rates if rate > 0] + [0.1])))
    low = max(_LOWEST, smallest - 1 if 0 in rates else smallest)  # a decade more: 0 is less than the least rate
    plot = _Plot(low)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><g font-size="13">',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
        *plot.grid(),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts += plot.line(curve, colour)
        parts += plot.legend(number, name if curve else f"{name} (no pairs)", colour)
    for text, (fmr, fnmr) in marked.items():
        parts += plot.mark(text, fmr, fnmr)
    return "\n".join([*parts, "</g></svg>"]) + "\n"


class _Plot:
    """Rates to places in the picture: `low` is the decade at the lower edge of both axes."""

    def __init__(self, low: int) -> None:
        self._low = low

    def x(self, fmr: float) -> float:
        return round(LEFT + self._share(fmr) * (WIDTH - LEFT - RIGHT), 2)

    def y(self, fnmr: float) -> float:
        return round(HEIGHT - BOTTOM - self._share(fnmr) * (HEIGHT - TOP - BOTTOM), 2)

    def _share(self, rate: float) -> float:
        logarithm = math.log10(rate) if rate > 0 else float(self._low)
        return min(1.0, max(0.0, 1 - logarithm / self._low))

    def grid(self) -> list[str]:
        parts = []
        for decade in range(self._low, 1):
            x, y, label = self.x(10.0**decade), self.y(10.0**decade), _DECADE_LABELS[decade]
            parts += [
                f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ccc" fill="none"/>',
                f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{label}</text>',
                f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>',
            ]
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 20}" text-anchor="middle">false match rate (FMR)</text>')
        place = f"translate(24 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"
        parts.append(f'<text transform="{place}" text-anchor="middle">false non-match rate (FNMR)</text>')
        return parts

    def line(self, curve: Curve, colour: str) -> list[str]:
        points = " ".join(f"{self.x(fmr)},{self.y(fnmr)}" for _, fmr, fnmr in curve)
        return [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'] if points else []

    def legend(self, number: int, name: str, colour: str) -> list[str]:
        x, y = WIDTH - RIGHT + 16, TOP + 20 * number
        return [
            f'<path d="M{x} {y}h24" stroke="{colour}" stroke-width="3"/>',
            f'<text x="{x + 32}" y="{y + 4}">{escape(name)}</text>',
        ]

    def mark(self, text: str, fmr: float, fnmr: float) -> list[str]:
        x, y = self.x(fmr), self.y(fnmr)
        return [
            f'<circle cx="{x}" cy="{y}" r="5" fill="none" stroke="#000" stroke-width="2"/>',
            f'<text x="{x + 9}" y="{y - 7}">{escape(text)}</text>',
        ]
