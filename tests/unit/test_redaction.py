"""No secret of a URL leaves."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from lineal.redaction import redact, redact_urls


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
        ("postgresql://u:p'w@h/db", "postgresql://h/db"),
        ("postgresql://u:12/ab@h/db", "postgresql://h/db"),
        ("mysql+pymysql://u:12#ab@h/db", "mysql+pymysql://h/db"),
        ("abfss://ada:abc@account.dfs.core.windows.net/a.csv", "abfss://account.dfs.core.windows.net/a.csv"),
        ("https://x/y?key=abc&pass=def&passphrase=g", "https://x/y?key=***&pass=***&passphrase=***"),
        ("https://x/y?subscription-key=abc", "https://x/y?subscription-key=***"),
        ("cannot connect: host=h user=u password=hunter2", "cannot connect: host=h user=u password=***"),
        ("PWD={a;b};SERVER=s", "PWD=***;SERVER=s"),
        ("AccountKey=abc==;AccountName=a", "AccountKey=***;AccountName=a"),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("{'Authorization': 'Basic YWRhOmFiYw=='}", "{'Authorization': '***'}"),
        ("curl -H 'X: Bearer eyJhbGciOi.J9'", "curl -H 'X: Bearer ***'"),
        ('{"db_password": "a b", "rows": 3}', '{"db_password": "***", "rows": 3}'),
        ("connect(password='a b', user=u)", "connect(password='***', user=u)"),
        ("token = \"abc", "token = \"***\""),
        (r'{"password": "abc\"def", "rows": 3}', '{"password": "***", "rows": 3}'),
        (r'{"body": "{\"password\": \"abc\", \"rows\": 3}"}', r'{"body": "{\"password\": \"***\", \"rows\": 3}"}'),
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
        "abfss://bronze@account.dfs.core.windows.net/a.csv",
        "max_tokens=512 token_pattern='x' secretary=ada",
        "password = getpass()",
        "a bearer of news",
        "hdfs://nn:8020/data/user@corp/x.csv",
        "kafka://broker:9092/topic@v2",
        "postgresql://h:5432/shop?application_name=etl@node1",
        "postgresql://h:5432?user=me@server&sslmode=require",
        "dataset:postgres://db1:5432/shop@0123abcd",
        "model:mlflow://host:5000/churn@champion",
    ],
)
def test_what_holds_no_credentials_stays_as_it_is(text):
    assert redact(text) == text


def test_code_still_runs_without_the_credentials_of_its_urls():
    code = "connect(password=password, url='postgresql://ada:abc@db/wine')"
    assert redact_urls(code) == "connect(password=password, url='postgresql://db/wine')"


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
