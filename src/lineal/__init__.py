"""Lineal."""
