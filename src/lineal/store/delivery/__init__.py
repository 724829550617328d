"""Delivery of the event log to other consumers: what is in the log is sent, once or more, in order, without a hole."""
