"""Keep secrets out of events, logs and artifacts."""

from __future__ import annotations

import re

# user:password@ of any URL; the user goes too, as the OpenLineage naming has neither.
_CREDENTIALS = re.compile(r"(?P<scheme>\b[a-zA-Z][\w+.-]*://)[^\s/?#'\"]*@")
_SECRET_PARAMETER = re.compile(
    r"(?P<name>[?&;](?:[\w-]*(?:password|passwd|pwd|secret|token|signature|credential|api[_-]?key|access[_-]?key)[\w-]*|sig|auth)=)[^&\s;'\"]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` with the user, password and secret query parameters of every URL in it taken out."""
    return _SECRET_PARAMETER.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>", text))
