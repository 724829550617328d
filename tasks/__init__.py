"""One step a module, thin."""
