"""Metrics of groups of rows: which groups there are, how the model does on each, and how far apart they are."""
