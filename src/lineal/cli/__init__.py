"""The command: the composition root; nothing imports it."""
