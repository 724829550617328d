"""Keep secrets out of events, logs and artifacts."""

from __future__ import annotations

import re

# user:password@ of any URL; the user goes too, as the OpenLineage naming has neither. The second form is of a password
# that is not percent-encoded throughout (SQLAlchemy leaves spaces); what looks like a port is no password.
_CREDENTIALS = re.compile(
    r"(?P<scheme>\b[a-zA-Z][\w+.-]*://)(?:[^\s/?#'\"]*@|[^\s/?#'\"@:]*:(?!\d*(?:[/?#\s]|$))[^\n'\"@]*@)"
)
# A query's, a fragment's or an ODBC string's, which may itself be percent-encoded within a URL.
_SECRET_PARAMETER = re.compile(
    r"(?P<name>(?:[?&;#]|%3B|%26)(?:[\w-]*(?:password|passwd|pwd|secret|token|signature|credential"
    r"|(?:api|access|account|private|shared)[_-]?key)[\w-]*|sig|auth)(?:=|%3D))(?:(?!%3B|%26)[^&#\s;'\"])+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` with the user, password and secret query parameters of every URL in it taken out."""
    return _SECRET_PARAMETER.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>", text))
