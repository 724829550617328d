"""Datasets: reading sources, snapshots, hashing, checks, splits."""
