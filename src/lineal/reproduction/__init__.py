"""Making a model again from its record alone, in a place that leaves nothing behind, and saying how it compares."""
