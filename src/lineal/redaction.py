"""Keep secrets out of events, logs and artifacts."""

from __future__ import annotations

import re

# What stands before the host of any URL; the user goes too, as the OpenLineage naming has neither. The second form is
# of a password that is not percent-encoded throughout (SQLAlchemy leaves spaces); what looks like a port is none.
# None is longer than a page: a text full of addresses would take minutes otherwise.
_ANY_USER = r"[^\s/?#'\"]{0,4096}@|[^\s/?#'\"@:]{0,4096}:(?!\d*(?:[/?#\s]|$))[^\n'\"@]{0,4096}@"
_CREDENTIALS = re.compile(rf"(?P<scheme>\b[a-zA-Z][\w+.-]{{0,40}}://)(?:{_ANY_USER})+")
# Not all who write databases' URLs encode them, and they have no path with an @ in it: all before one is a password,
# but for a query behind a port. Of a subject, what stands behind the @ is a version.
_DATABASES = "postgres|postgresql|redshift|cockroachdb|mysql|mariadb|mssql|sqlserver|oracle|db2|snowflake|clickhouse"
_OF_DATABASE = re.compile(
    rf"(?P<scheme>\b(?<!dataset:)(?<!model:)(?:{_DATABASES})(?:\+\w{{1,40}})?://)"
    rf"(?:{_ANY_USER}|[^\s/?#'\"@:]{{0,4096}}:(?!\d+(?:/[^\s/?#@]*)?\?)[^\s@]{{0,4096}}@)+",
    re.IGNORECASE,
)
# Azure's containers stand where others have a user.
_CONTAINER = re.compile(r"(?:abfss?|wasbs?)://[^\s/?#'\"@:]*@", re.IGNORECASE)
_KEY = r"(?:api|access|account|private|shared|subscription)[_-]?key"
_NAMED = rf"password|passwd|passphrase|pwd|secret|credential|{_KEY}"
_PLAIN = r"(?:(?!%3B|%26)[^&#\s;'\"])"
_VALUE = rf"(?:\{{[^}}\n]*\}}{_PLAIN}*|{_PLAIN}+)"
# A query's, a fragment's or an ODBC string's, which may itself be percent-encoded within a URL.
_SECRET_PARAMETER = re.compile(
    rf"(?P<name>(?:[?&;#]|%3B|%26)(?:[\w-]*(?:{_NAMED}|token|signature)"
    rf"[\w-]*|sig|auth|pass|key)(?:=|%3D)){_VALUE}",
    re.IGNORECASE,
)
_WORD = rf"[\w.-]*(?:{_NAMED}|token|credentials)"
_MARK = r"\\?['\"]"
# `password=abc` in prose or a connection string, `password = "abc"` in code, `"password": "abc"` in JSON or in JSON's
# own texts.
_SECRET_WORD = re.compile(
    rf"(?P<name>(?<![\w.-])(?:{_WORD}(?:=|%3D)|{_WORD}\s*=\s*(?={_MARK})"
    rf"|(?P<quote>{_MARK}){_WORD}(?P=quote)\s*:\s*(?={_MARK})))"
    rf"(?:(?P<mark>{_MARK})(?:(?!(?P=mark))(?:\\.|.))*(?P=mark)?|{_VALUE})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<name>\bauthorization['\"]?\s*[:=]\s*['\"]?)(?:[a-z]+\s+)?[^\s'\",]+|(?P<bearer>\bbearer\s+)[\w.~+/-]{8,}=*",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(rf"{_NAMED}|token$", re.IGNORECASE)
# Without one of these, none of the above is found; most names and words have none.
_SIGN = re.compile(r"[:=]|%3D|bearer", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` without the secrets in it: those of URLs, connection strings and headers, and `password=…`."""
    if _SIGN.search(text) is None:
        return text
    text = _SECRET_WORD.sub(_masked, redact_urls(text))
    return _HEADER.sub(lambda found: f"{found['name'] or found['bearer']}***", text)


def redact_urls(text: str) -> str:
    """Return `text` with the user, password and secret query parameters of every URL in it taken out.

    For code and the like, which has to run again: `password=password` stays.
    """
    if "://" in text:
        text = _CREDENTIALS.sub(_without_user, _OF_DATABASE.sub(_without_user, text))
    return _SECRET_PARAMETER.sub(r"\g<name>***", text)


def is_secret(name: str) -> bool:
    """Whether a parameter is named like what nobody should see."""
    return _SECRET_NAME.search(name) is not None


def _without_user(found: re.Match[str]) -> str:
    return found[0] if _CONTAINER.fullmatch(found[0]) else found["scheme"]


def _masked(found: re.Match[str]) -> str:
    mark = found["mark"] or ""
    return f"{found['name']}{mark}***{mark}"


# Controls (a terminal acts on them), and what turns the direction of writing (a reader would see another text).
_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return `text` with each character replaced that a terminal would act on instead of showing it."""
    return _ACTING.sub("\ufffd", text.replace("\r\n", "\n"))
