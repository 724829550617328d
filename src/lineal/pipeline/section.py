"""Section: what every table of the pipeline file is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# TOML keeps true and 1 apart, and so does this; what JSON has no number for keeps its name, for the digest.
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="strings")


class Section(BaseModel):
    """A table of the pipeline file; keys it does not know are errors."""

    model_config = STRICT
