"""The store: the event log and its index."""
