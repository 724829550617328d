"""Questions: the store in, plain frozen data out."""
