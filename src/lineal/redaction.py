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


# Controls (a terminal acts on them), and what turns the direction of writing (a reader would see another text).
_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return `text` with each character replaced that a terminal would act on instead of showing it."""
    return _ACTING.sub("\ufffd", text.replace("\r\n", "\n"))
