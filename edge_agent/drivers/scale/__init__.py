"""Weighing indicators: frames to weights, weights to a stable weight with its uncertainty."""
