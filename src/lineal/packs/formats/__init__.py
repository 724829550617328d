"""The documents of other people's formats in a pack: a module a format."""
