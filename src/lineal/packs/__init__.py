"""Evidence packs: a model's whole record in one file, for those who check it with tools of their own."""
