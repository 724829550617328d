"""The store's schema: made, migrated with nothing lost, refused when it is newer."""

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from lineal.errors import StoreError
from lineal.questions.search import search
from lineal.questions.trace import trace
from lineal.store import fulltext, migrations, tables
from lineal.store.log import Store
from lineal.store.runs import find_run
from lineal.subjects import Subject

# What the Lineal before the migrations wrote: three runs, three tables, three versions of a model.
LEGACY = (Path(__file__).parent / "legacy.sql").read_text()
RUN = "11111111-1111-4111-8111-{:012d}"


@pytest.fixture
def engine(new_store_url):
    engine = sa.create_engine(new_store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def legacy(engine, new_store_url):
    """A store that the Lineal before the migrations made and wrote."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # the dump's tables are SQLite's; its rows are anyone's
            migrations.upgrade(connection, "0001")
            connection.exec_driver_sql(f"drop table {migrations.VERSION_TABLE}")
        for statement in LEGACY.removesuffix(";\n").split(";\n"):
            rows = statement.startswith("INSERT")
            if (rows or engine.dialect.name == "sqlite") and statement not in ("BEGIN TRANSACTION", "COMMIT"):
                connection.exec_driver_sql(statement.replace("%", "%%"))
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("select setval('lineal_events_seq_seq', (select max(seq) from lineal_events))")
    return new_store_url


def version_of(engine):
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"select version_num from {migrations.VERSION_TABLE}").scalars().all()


def test_the_migrations_lead_to_the_tables(engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.begin() as connection:
        migrations.upgrade(connection)
        # The full-text index is made by statements of its own, in each database's words.
        opts = {
            "version_table": migrations.VERSION_TABLE,
            "include_name": lambda name, _kind, _parents: not (name or "").startswith(fulltext.NAME),
        }
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, tables.metadata) == []
    assert version_of(engine) == [migrations.HEAD]


def test_a_new_store_is_what_the_migrations_make(engine, new_store_url):
    def layout():
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            found = {
                name: (
                    [
                        (column["name"], str(column["type"]), column["nullable"])
                        for column in inspector.get_columns(name)
                    ],
                    sorted((index["name"], index["column_names"]) for index in inspector.get_indexes(name)),
                    inspector.get_pk_constraint(name)["constrained_columns"],
                )
                for name in inspector.get_table_names()
            }
            return found, connection.execute(sa.select(tables.meta)).all(), version_of(engine)

    Store(new_store_url)
    made = layout()
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        connection.exec_driver_sql(f"drop table {migrations.VERSION_TABLE}")
    with engine.begin() as connection:
        migrations.upgrade(connection)
    assert layout() == made


def test_a_store_from_before_the_migrations_is_migrated_with_nothing_lost(legacy, engine):
    with engine.connect() as connection:
        bodies = connection.exec_driver_sql("select body from lineal_events order by seq").scalars().all()
    store = Store(legacy)
    assert version_of(engine) == [migrations.HEAD]
    assert list(store.events()) == bodies
    assert len(bodies) == 6
    assert set(store.rebuild().values()) == {0}
    run = find_run(store, RUN.format(3))
    assert (run.started_at, run.ended_at) == ("2026-01-01T02:00:00.500000+00:00", "2026-01-01T02:00:09.500000+00:00")
    node = trace(store, Subject.parse("dataset:t3")).node
    assert [node.name, node.inputs[0].name, node.inputs[0].inputs[0].name] == ["t3", "t2", "t1"]
    assert trace(store, Subject.parse("model:demo@champion")).model.number == 3
    assert store.append(json.loads(bodies[0])) == 7


def test_texts_of_an_older_store_are_made_anew(legacy, engine):
    with engine.begin() as connection:
        migrations.stamp(connection, "0001")
        migrations.upgrade(connection, "0006")
        row = (
            "insert into lineal_texts (id, key, kind, subject, at, text) values (1, 'k', 'job', 'run:r', '2026', 'old')"
        )
        connection.exec_driver_sql(row)
    store = Store(legacy)
    assert search(store, "old").hits == ()
    assert set(store.rebuild().values()) == {0}


def test_a_dataset_that_was_left_out_as_a_job_had_its_name_is_on_record(engine, new_store_url):
    store = Store(new_store_url)
    dataset = {"namespace": "n", "name": "prices", "facets": {"version": {"datasetVersion": "1"}}}
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00+00:00",
        "producer": "urn:test",
        "run": {"runId": RUN.format(1), "facets": {}},
        "job": {"namespace": "n", "name": "prices"},
        "inputs": [],
        "outputs": [dataset],
    }
    store.append(event)
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from lineal_datasets")
        connection.exec_driver_sql(f"update {migrations.VERSION_TABLE} set version_num = '0007'")
    assert trace(Store(new_store_url), Subject.parse("dataset:prices")).node.name == "prices"
    assert set(store.rebuild().values()) == {0}


def test_what_was_not_known_for_a_secret_leaves_facts_and_texts_and_jobs_without_runs_come(engine, new_store_url):
    store = Store(new_store_url)
    job = {"namespace": "n", "name": "load"}
    common = {"eventTime": "2026-01-01T00:00:00+00:00", "producer": "urn:test"}
    message = {"errorMessage": {"message": "no answer: host=h password=abc", "programmingLanguage": "PYTHON"}}
    store.append(common | {"eventType": "FAIL", "run": {"runId": RUN.format(1), "facets": message}, "job": job})
    store.append(common | {"job": job | {"name": "planned"}})
    with engine.begin() as connection:
        for table, column in ((tables.facts, "body"), (tables.texts, "text")):
            rows = [dict(row._mapping) for row in connection.execute(sa.select(table))]
            connection.execute(sa.delete(table))
            connection.execute(sa.insert(table), [row | {column: row[column].replace("***", "abc")} for row in rows])
        connection.exec_driver_sql("delete from lineal_jobs where name = 'planned'")
        connection.exec_driver_sql(f"update {migrations.VERSION_TABLE} set version_num = '0008'")
    store = Store(new_store_url)
    assert (len(search(store, "password").hits), search(store, "abc").hits) == (1, ())
    assert set(store.rebuild().values()) == {0}


def _open(url):
    return sum(1 for _ in Store(url).events())


def test_two_that_migrate_at_once(legacy, engine):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert [done.result() for done in [pool.submit(_open, legacy) for _ in range(4)]] == [6] * 4
    assert version_of(engine) == [migrations.HEAD]


def test_a_migration_that_fails_changes_nothing(legacy, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update lineal_runs set started_at = 'no time' where run_id = '{RUN.format(3)}'")
    with pytest.raises(StoreError, match=r"cannot be opened: .*no time"):
        Store(legacy)
    with engine.connect() as connection:
        assert not sa.inspect(connection).has_table(migrations.VERSION_TABLE)
        assert "lineal_events_time" not in {row["name"] for row in sa.inspect(connection).get_indexes("lineal_events")}


def test_a_store_of_a_newer_version(new_store_url, engine):
    Store(new_store_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update {migrations.VERSION_TABLE} set version_num = '0099'")
    sentence = rf"was written by a newer Lineal \(schema 0099, this one knows {migrations.HEAD}\); install the newer"
    with pytest.raises(StoreError, match=sentence):
        Store(new_store_url)
    assert version_of(engine) == ["0099"]


def test_a_current_store_is_opened_without_alembic(new_store_url):
    Store(new_store_url)
    code = "import sys; from lineal.store.log import Store; Store(); print('alembic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"LINEAL_STORE": new_store_url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
