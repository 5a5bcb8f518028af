"""Error rates of comparisons, and how sure one may be of them. Pure numpy.

FMR: share of impostor comparisons at or above the threshold. FNMR: share of genuine comparisons below it (ISO/IEC
19795-1). Comparisons of the same people are not independent, so beside Wilson's interval, which treats them as if they
were, there is a bootstrap over the people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
REPLICATES = 1000
SEED = 19795  # fixed: the same images give the same calibration and the same id


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % intervals: Wilson's, and by bootstrap over people; None where nothing was compared."""

    errors: int
    comparisons: int
    rate: float | None
    wilson: tuple[float, float] | None
    bootstrap: tuple[float, float] | None

    def as_json(self) -> dict[str, object]:
        """Plain values, six significant digits."""
        return {
            "errors": self.errors,
            "comparisons": self.comparisons,
            "rate": _short(self.rate),
            "wilson_95": None if self.wilson is None else [_short(value) for value in self.wilson],
            "bootstrap_95": None if self.bootstrap is None else [_short(value) for value in self.bootstrap],
        }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def wilson(errors: int, comparisons: int) -> tuple[float, float]:
    """Wilson's 95 % interval of errors / comparisons (Wilson, JASA 22, 1927). ValueError without comparisons."""
    if not 0 <= errors <= comparisons or comparisons == 0:
        raise ValueError("an interval needs comparisons, and no more errors than those")
    share, square = errors / comparisons, Z95**2
    middle = share + square / (2 * comparisons)
    half = Z95 * math.sqrt(share * (1 - share) / comparisons + square / (4 * comparisons**2))
    whole = 1 + square / comparisons
    low = 0.0 if errors == 0 else (middle - half) / whole
    high = 1.0 if errors == comparisons else (middle + half) / whole
    return low, high


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All comparisons of one kind: scores, and for each the numbers of the two people (the same twice if genuine)."""

    scores: Scores
    first: Counts
    second: Counts

    def chosen(self, wanted: npt.NDArray[np.bool_]) -> Comparisons:
        """Those of people that are `wanted`, by their number."""
        keep = wanted[self.first] & wanted[self.second]
        return Comparisons(self.scores[keep], self.first[keep], self.second[keep])


def compare_all(templates: npt.NDArray[np.float32], people: Counts) -> tuple[Comparisons, Comparisons]:
    """Every two different templates once: genuine, impostor.

    Args:
        templates: (n, D), each of length 1.
        people: (n,), whose each is.
    """
    rows, columns = np.triu_indices(len(templates), k=1)
    scores = (templates.astype(np.float64) @ templates.astype(np.float64).T)[rows, columns]
    first, second = people[rows], people[columns]
    same = first == second
    return (
        Comparisons(scores[same], first[same], second[same]),
        Comparisons(scores[~same], first[~same], second[~same]),
    )


def false_matches(impostor: Comparisons, threshold: float, people: int) -> Rate:
    """FMR at a threshold; `people` is how many there are in all."""
    return _rate(impostor, impostor.scores >= threshold, people)


def false_non_matches(genuine: Comparisons, threshold: float, people: int) -> Rate:
    """FNMR at a threshold; `people` is how many there are in all."""
    return _rate(genuine, genuine.scores < threshold, people)


def _rate(made: Comparisons, wrong: npt.NDArray[np.bool_], people: int) -> Rate:
    errors, number = int(wrong.sum()), len(made.scores)
    if number == 0:
        return Rate(0, 0, None, None, None)
    return Rate(errors, number, errors / number, wilson(errors, number), _bootstrap(made, wrong, people))


def _bootstrap(made: Comparisons, wrong: npt.NDArray[np.bool_], people: int) -> tuple[float, float] | None:
    """People drawn with replacement; a comparison of two counts as often as both were drawn. None for fewer than two.

    Bolle and others, Evaluation techniques for biometrics-based authentication systems, 2004: the subsets bootstrap.
    """
    taking_part = np.unique(np.concatenate([made.first, made.second]))
    if len(taking_part) <= 1:  # of one person nothing can be drawn
        return None
    place = np.zeros(people, np.int64)
    place[taking_part] = np.arange(len(taking_part))
    size = len(taking_part)
    cells = place[made.first] * size + place[made.second]
    all_of = np.bincount(cells, minlength=size * size).reshape(size, size)
    wrong_of = np.bincount(cells, weights=wrong, minlength=size * size).reshape(size, size)
    genuine = bool((made.first == made.second).all())
    random = np.random.default_rng(SEED)
    rates = []
    for _ in range(REPLICATES):
        drawn = np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)
        if genuine:
            total, bad = float(drawn @ all_of.diagonal()), float(drawn @ wrong_of.diagonal())
        else:
            total, bad = float(drawn @ all_of @ drawn), float(drawn @ wrong_of @ drawn)
        if total > 0:
            rates.append(bad / total)
    if not rates:
        return None
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def threshold_for(impostor: Scores, target: float) -> float | None:
    """The smallest threshold, to four places upwards, with an FMR of at most `target` in the sample; None without one.

    One score more would be let through by the next smaller threshold of four places.
    """
    if len(impostor) == 0:
        return None
    allowed = math.floor(target * len(impostor) + 1e-9)
    if allowed >= len(impostor):
        return -1.0
    first_refused = float(np.sort(impostor)[::-1][allowed])
    return min(1.0, round(math.floor(first_refused * 10_000 + 1e-6) / 10_000 + 0.0001, 4))


def curve(genuine: Scores, impostor: Scores, points: int = 200) -> list[tuple[float, float, float]]:
    """(threshold, FMR, FNMR) over the range where either changes; for the DET plot. Empty without both kinds."""
    if len(genuine) == 0 or len(impostor) == 0:
        return []
    every = np.unique(np.concatenate([genuine, impostor]))
    chosen = every[np.unique(np.linspace(0, len(every) - 1, points).round().astype(int))]
    low, high = np.sort(genuine), np.sort(impostor)
    fmr = 1 - np.searchsorted(high, chosen, side="left") / len(high)
    fnmr = np.searchsorted(low, chosen, side="left") / len(low)
    return [(float(t), float(m), float(n)) for t, m, n in zip(chosen, fmr, fnmr, strict=True)]
