"""Reports: plain data to terminal and JSON."""
