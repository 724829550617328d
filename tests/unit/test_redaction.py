"""No secret of a URL leaves."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from lineal.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("postgresql://ada:secret@db:5432/wine", "postgresql://db:5432/wine"),
        ("postgresql+psycopg://ada:se/cr?e#t@db/wine", "postgresql+psycopg://db/wine"),
        ("no answer from postgresql://ada:my secret@db/wine", "no answer from postgresql://db/wine"),
        ("https://ada@example.org/x", "https://example.org/x"),
        ("https://ghp_token@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://ada:se%40cret@example.org", "https://example.org"),
        ("https://a:b@c@example.org/x", "https://example.org/x"),
        ("simplecache::s3://key:secret@bucket/a.csv", "simplecache::s3://bucket/a.csv"),
        ("cannot reach 'https://a:b@x/y' or \"https://c:d@z\"", "cannot reach 'https://x/y' or \"https://z\""),
        ("https://x/y?token=abc&rows=3", "https://x/y?token=***&rows=3"),
        ("https://x/y?rows=3&X-Amz-Signature=abc&X-Amz-Credential=k", "https://x/y?rows=3&X-Amz-Signature=***"
         "&X-Amz-Credential=***"),
        # Better too much than too little.
        ("https://x/y?secretary=ada&authors=3", "https://x/y?secretary=***&authors=3"),
        ("https://x/y?sv=2020&sig=abc%3D", "https://x/y?sv=2020&sig=***"),
        ("https://x/y?API_KEY=abc", "https://x/y?API_KEY=***"),
        ("https://x/y#access_token=abc", "https://x/y#access_token=***"),
        ("sqlserver://h;user=ada;password=abc;database=w", "sqlserver://h;user=ada;password=***;database=w"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==", "DefaultEndpointsProtocol=https;"
         "AccountName=a;AccountKey=***"),
        ("mssql+pyodbc:///?odbc_connect=UID%3Dada%3BPWD%3Dabc%3BServer%3Dx", "mssql+pyodbc:///?odbc_connect=UID%3Dada"
         "%3BPWD%3D***%3BServer%3Dx"),
    ],
)  # fmt: skip
def test_credentials_are_taken_out(text, redacted):
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada@example.org wrote at 10:30",
        "git@github.com:a/b.git",
        "no answer from http://127.0.0.1:4200 (ada@example.org)",
        "http://host does not answer: ask ada@example.org",
        "http://127.0.0.1:4200/runs/a@b",
        "http://localhost:80?at=a@b",
        "s3://bucket/key@v2.csv",
        "/data/file@2.csv",
        "sqlite:////data/lineal.db",
        "https://x/y?authors=3",
        "the token of 3 rows",
    ],
)
def test_what_holds_no_credentials_stays_as_it_is(text):
    assert redact(text) == text


@given(st.text())
def test_doing_it_twice_changes_nothing(text):
    assert redact(redact(text)) == redact(text)


@given(
    user=st.text(min_size=1).filter(lambda user: " " not in user),
    password=st.text(min_size=3),
    host=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    before=st.sampled_from(["", "cannot reach ", "'"]),
)
def test_no_password_of_a_well_formed_url_stays(user, password, host, before):
    url = URL.create("postgresql", user, password, host, 5432, "wine").render_as_string(hide_password=False)
    written = url.split(":", 2)[2].rsplit("@", 1)[0]
    # Digits before a space are a port, and the rest is prose.
    assume(not re.match(r"\d*\s", written))
    assume(written not in f"postgresql://{host}:5432/wine{before}")

    assert written not in redact(before + url)
    assert redact(before + url).endswith(f"postgresql://{host}:5432/wine")
