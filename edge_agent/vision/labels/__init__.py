"""Seals and dangerous goods labels: slots for an operator's own models. None is built in, and nothing is promised."""

from edge_agent.vision.labels.finder import LabelFinder, Spot

__all__ = ["LabelFinder", "Spot"]
