"""Plates from pictures: found, made flat, read by two readers of different make, held to the mainland's grammar."""
