"""What is scheduled."""
