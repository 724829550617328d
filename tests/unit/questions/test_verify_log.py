"""Verify finds what was done to the log in the database itself, and names the place."""

import json
import subprocess

import pytest
import sqlalchemy as sa

from lineal import signing
from lineal.errors import EventError, SigningError
from lineal.questions.verify import verify, verify_file
from lineal.store import checkpoints, tables
from lineal.store.checkpoints import heads, making
from lineal.store.checkpoints.exporting import export
from lineal.store.importing import import_events
from lineal.store.log import Store

RUN = "11111111-1111-4111-8111-{:012d}"
TIME = "2026-01-01T00:00:{:02d}+00:00"


def event(number, kind="START"):
    return {
        "eventType": kind,
        "eventTime": TIME.format(number),
        "producer": "urn:test",
        "schemaURL": "urn:test",
        "run": {"runId": RUN.format(number), "facets": {}},
        "job": {"namespace": "n", "name": "j"},
        "inputs": [],
        "outputs": [{"namespace": "d", "name": "t", "facets": {"version": {"datasetVersion": str(number)}}}],
    }


@pytest.fixture
def store(store_url):
    """Twelve events under three checkpoints, and one under none."""
    store = Store(store_url)
    for number in range(1, 13):
        store.append(event(number))
        if number % 4 == 0:
            checkpoints.make(store)
    store.append(event(13))
    return store


@pytest.fixture
def sql(store):
    """Meddles with the store's database past the store."""
    engine = sa.create_engine(store.url)

    def run(text, **values):
        with engine.begin() as connection:
            result = connection.execute(sa.text(text), values)
            return result.all() if result.returns_rows else []

    yield run
    engine.dispose()


def findings(store, family="log"):
    return [each for each in verify(store).findings if each.family == family]


def test_a_log_that_was_left_alone_holds(store):
    answer = verify(store)
    assert answer.holds
    assert answer.findings == ()
    log, index, *_ = answer.checked
    assert (log.count, log.wrong, log.note) == (13, 0, "under 3 checkpoints, 1 not yet under one")
    assert (index.wrong, index.note) == (0, "1 jobs, 13 runs, 1 datasets, 13 versions, 13 edges")
    assert answer.newest.number == 3


def test_it_holds_after_a_rebuild_and_after_an_import(store, tmp_path):
    store.rebuild()
    lines = "".join(json.dumps(event(number)) + "\n" for number in range(10, 20))
    (tmp_path / "log").write_text(lines)
    with (tmp_path / "log").open("rb") as file:
        assert import_events(store, file, "log").new == 6
    checkpoints.make(store)
    answer = verify(store)
    assert answer.holds
    assert (answer.checked[0].count, answer.checked[0].note) == (19, "under 4 checkpoints")


def test_a_place_that_a_failed_writer_left_empty_is_no_gap(store):
    def fails(connection):
        connection.execute(sa.insert(tables.events), {"event_time": "t", "body": "{}"})
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        store.write(fails)
    store.append(event(14))
    checkpoints.make(store)
    assert verify(store).holds


def test_a_changed_event_is_named(store, sql):
    sql("update lineal_events set body = replace(body, '\"j\"', '\"J\"') where seq = 6")
    (found,) = findings(store)
    assert (found.problem, found.what, found.seq) == ("changed", "event 6", 6)
    assert (found.event_time, found.run_id) == (TIME.format(6), RUN.format(6))
    assert found.detail.startswith("it is not what stood under checkpoint 2 of 20")


def test_a_changed_space_is_a_change(store, sql):
    sql("update lineal_events set body = body || ' ' where seq = 1")
    assert [(each.problem, each.seq) for each in findings(store)] == [("changed", 1)]


def test_a_deleted_event_is_named(store, sql):
    sql("delete from lineal_events where seq = 7")
    (found,) = findings(store)
    assert (found.problem, found.what) == ("missing", "event 7")
    assert RUN.format(6) in found.detail


def test_the_last_event_under_a_checkpoint_deleted(store, sql):
    sql("delete from lineal_events where seq >= 12")
    assert [(each.problem, each.seq) for each in findings(store)] == [("missing", 12)]


@pytest.mark.parametrize("place", [0, 7, 20])
def test_an_inserted_event_is_named(store, sql, place):
    # A place of its own between two others; one behind the last checkpoint is under none, and so no finding.
    if place == 7:
        sql("update lineal_events set seq = 107 where seq = 7")
        sql("delete from lineal_checkpoints where number > 1")
        heads.file_of(store).unlink()
        sql("update lineal_events set seq = seq + 100 where seq between 8 and 13")
        checkpoints.make(store)
        assert not findings(store)
    body = json.dumps(event(50))
    sql("insert into lineal_events (seq, event_time, body) values (:seq, 't', :body)", seq=place, body=body)
    expected = [] if place == 20 else [("inserted", f"event {place}")]
    assert [(each.problem, each.what) for each in findings(store)] == expected


def test_two_events_that_changed_places_are_named(store, sql):
    sql("update lineal_events set seq = -1 where seq = 2")
    sql("update lineal_events set seq = 2 where seq = 3")
    sql("update lineal_events set seq = 3 where seq = -1")
    first, second = findings(store)
    assert (first.what, second.what) == ("event 2", "event 3")
    assert "what stands here now stood at event 3 under checkpoint 1" in first.detail
    assert "what stands here now stood at event 2" in second.detail
    assert (first.run_id, second.run_id) == (RUN.format(3), RUN.format(2))


@pytest.mark.parametrize(
    "change",
    ["root = '{}'", "made_at = '2020'", "count = 5", "last_seq = 9", "first_seq = 6", "previous = '{}'"],
)
def test_a_changed_checkpoint_is_named(store, sql, change):
    sql(f"update lineal_checkpoints set {change.format('ab' * 32)} where number = 2")
    first = findings(store)[0]
    assert (first.problem, first.what) == ("changed", "checkpoint 2")
    assert "its signature is not of what it says now" in first.detail


def test_a_changed_signature_is_named(store, sql):
    sql("update lineal_checkpoints set signature = (select signature from lineal_checkpoints where number = 1)")
    assert [each.what for each in findings(store)] == ["checkpoint 2", "checkpoint 3"]
    sql("update lineal_checkpoints set signature = 'none'")
    assert [each.what for each in findings(store)] == ["checkpoint 1", "checkpoint 2", "checkpoint 3"]


def test_leaf_hashes_that_were_changed_hide_nothing(store, sql):
    ((leaves,),) = sql("select leaves from lineal_checkpoints where number = 3")
    sql("update lineal_checkpoints set leaves = :leaves where number = 2", leaves=bytes(leaves))
    (found,) = findings(store)
    assert (found.problem, found.what) == ("changed", "checkpoint 2")
    assert "the events are as they were" in found.detail
    sql("delete from lineal_events where seq = 6")
    (found,) = findings(store)
    assert (found.problem, found.what, found.seq) == ("changed", "events 5 to 8", 5)
    assert found.detail.endswith("4 then, 3 now")


def test_a_checkpoint_that_was_taken_out_is_named(store, sql):
    sql("delete from lineal_checkpoints where number = 2")
    (found,) = findings(store)
    assert (found.problem, found.what, found.detail) == ("missing", "checkpoint 2", "there is none before checkpoint 3")


def test_an_end_that_was_cut_off_is_found_by_what_is_written_down_elsewhere(store, sql):
    sql("delete from lineal_checkpoints where number > 1")
    sql("delete from lineal_events where seq > 4")
    (found,) = findings(store)
    assert (found.problem, found.what) == ("missing", "checkpoints 2 to 3")
    assert str(heads.file_of(store)) in found.detail
    # What comes after does not hide it.
    for number in range(5, 9):
        store.append(event(number))
        checkpoints.make(store)
    (found,) = findings(store)
    assert (found.problem, found.what) == ("changed", "checkpoint 3")
    assert "the log was written anew" in found.detail


def test_a_checkpoint_by_another_key_is_not_trusted(store, own_home):
    (own_home / ".lineal" / "keys" / "log.pem").unlink()
    store.append(event(14))
    checkpoints.make(store)
    (found,) = findings(store)
    assert (found.problem, found.what) == ("not trusted", f"key {_first_key(store)[:12]}")
    assert "signed checkpoints 1 to 3, and is not trusted here" in found.detail


def _first_key(store):
    return store.read(sa.select(tables.checkpoints.c.key).order_by(tables.checkpoints.c.number))[0].key


def test_a_log_that_was_signed_anew_by_another_key_is_found(store, sql, own_home, tmp_path):
    keys = own_home / ".lineal" / "keys"
    public = tmp_path / "mine.pub"
    public.write_bytes((keys / "log.pub").read_bytes())
    (keys / "log.pem").unlink()
    heads.file_of(store).unlink()
    sql("delete from lineal_checkpoints")
    sql("delete from lineal_events where seq = 3")
    store.rebuild()
    checkpoints.make(store)
    assert verify(store).holds  # by the forger's own key: whoever has key and database can rewrite both
    (found,) = verify(store, keys=[public]).findings
    assert found.problem == "not trusted"


def test_a_key_of_another_machine_is_believed_where_it_was_put(store, own_home, monkeypatch, tmp_path):
    public = (own_home / ".lineal" / "keys" / "log.pub").read_bytes()
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "other"))
    with pytest.raises(SigningError, match=r"there is no key here to verify by .*--public-key FILE"):
        verify(store)
    (tmp_path / "other" / "keys" / "trusted").mkdir(parents=True)
    (tmp_path / "other" / "keys" / "trusted" / "ada.pub").write_bytes(public)
    assert verify(store).holds
    store.append(event(14))
    checkpoints.make(store)
    assert verify(store).holds


@pytest.mark.parametrize(
    ("change", "problem", "what"),
    [
        ("update lineal_runs set state = 'COMPLETE' where first_seq = 3", "changed", f"run {RUN.format(3)}"),
        ("delete from lineal_versions where version = '5'", "missing", "version 5"),
        ("insert into lineal_jobs values ('k', 'n', 'ghost')", "inserted", "job ghost"),
        ("update lineal_events set run_id = null where seq = 4", "changed", "event 4"),
    ],
)
def test_an_index_that_says_otherwise_than_the_log_is_named(store, sql, change, problem, what):
    sql(change)
    assert not findings(store)
    assert (problem, what) in [(each.problem, each.what) for each in findings(store, "index")]


def test_several_processes_find_the_same(store, sql, monkeypatch):
    from lineal.questions.verify import index

    monkeypatch.setattr(index, "_MANY", 1)
    for number in range(1, 13):
        store.append(event(number, "COMPLETE"))  # versions that another process may meet first
    checkpoints.make(store)
    assert verify(store, processes=2).holds
    sql("update lineal_runs set state = 'FAIL' where first_seq = 3")
    sql("delete from lineal_versions where version = '5'")
    sql("update lineal_events set event_type = 'FAIL' where seq = 4")
    alone, together = verify(store), verify(store, processes=2)
    assert set(alone.findings) == set(together.findings)
    assert len(alone.findings) == 3


def test_what_runs_in_several_processes_say_alike_is_there_once(store, monkeypatch):
    from lineal.questions.verify import index

    monkeypatch.setattr(index, "_MANY", 1)
    # The same table, described in the same words; how many rows it has, not every run has come to tell.
    for number in range(20, 32):
        told = event(number, "COMPLETE")
        told["outputs"][0]["facets"] = {
            "version": {"datasetVersion": "one"},
            "documentation": {"description": "Who bought what."},
        }
        if number % 3 == 0:
            told["outputs"][0]["outputFacets"] = {"outputStatistics": {"rowCount": 7}}
        store.append(told)
    checkpoints.make(store)
    for processes in (1, 2, 3):
        answer = verify(store, processes=processes)
        assert answer.holds, answer.findings


@pytest.mark.parametrize("body", ["gone", "[]", '{"eventTime": "t", "job": {"name": "j"}}'])
def test_an_event_whose_body_is_none_any_more(store, sql, body):
    sql("update lineal_events set body = :body where seq = 4", body=body)
    assert [each.what for each in findings(store)] == ["event 4"]
    assert any("its body is no event any more" in each.detail for each in findings(store, "index"))


# --- an exported log ----------------------------------------------------------------------------------------------


@pytest.fixture
def exported(store, tmp_path, own_home, monkeypatch):
    """The file of a log and the public key, on a machine that has neither store nor key."""
    file, public = tmp_path / "log.ndjson", tmp_path / "log.pub"
    file.write_text("".join(f"{line}\n" for line in export(store)))
    public.write_bytes((own_home / ".lineal" / "keys" / "log.pub").read_bytes())
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "elsewhere"))
    return file, public


def test_an_exported_log_is_verified_from_the_file_alone(exported, store):
    file, public = exported
    answer = verify_file(file, keys=[public])
    assert answer.holds
    assert (answer.checked[0].count, answer.checked[0].note) == (13, "under 3 checkpoints, 1 not yet under one")
    bodies = [json.loads(line)["body"] for line in file.read_text().splitlines() if "body" in json.loads(line)]
    assert bodies == list(store.events())


@pytest.mark.parametrize("wide", [False, True])
def test_a_changed_line_of_an_exported_log_is_named(exported, wide):
    file, public = exported
    text = file.read_text()
    if wide:  # without the leaf hashes, only the checkpoint's stretch can be named
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            line.get("checkpoint", {}).pop("leaves", None)
        text = "".join(json.dumps(line) + "\n" for line in lines)
    file.write_text(text.replace(RUN.format(6), RUN.format(7)))
    (found,) = verify_file(file, keys=[public]).findings
    assert (found.what, found.seq) == (("events 5 to 8", 5) if wide else ("event 6", 6))
    assert found.event_time == TIME.format(5 if wide else 6)


def test_lines_in_another_order_are_refused(exported):
    file, public = exported
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(EventError, match="event 1 stands behind event 2; the file was put together anew"):
        verify_file(file, keys=[public])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory; name another file"),
        ("", "has no checkpoints to verify by"),
        ('{"eventType": "START"}\n', ":1: is neither an event nor a checkpoint of a log"),
        ("[]\n", ":1: is neither an event nor a checkpoint of a log"),
        ('{"seq": 1, "body": 5}\n', ":1: is neither"),
        ('{"checkpoint": {"number": 1}}\n', ":1: is neither"),
        ("\0\1\2", ":1: is neither"),
    ],
)
def test_a_file_that_is_no_exported_log(exported, tmp_path, content, sentence):
    file = tmp_path / "other"
    if content is not None:
        file.write_text(content)
    with pytest.raises(EventError, match=sentence):
        verify_file(file, keys=[exported[1]])


def test_a_key_that_does_not_fit(exported, tmp_path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "other.pem"], check=True)
    answer = verify_file(exported[0], keys=[tmp_path / "other.pem"])
    assert not answer.holds
    (found,) = answer.findings
    assert found.problem == "not trusted"
    assert signing.read_public(tmp_path / "other.pem").id[:12] in found.detail


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        ("hello", "is no key"),
        ("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n", "is no key"),
    ],
)
def test_a_file_that_is_no_key(exported, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(SigningError, match=sentence):
        verify_file(exported[0], keys=[tmp_path / "key"])


def test_memory_does_not_grow_with_what_a_changed_checkpoint_claims(store, sql, monkeypatch):
    from lineal.questions.verify import log

    monkeypatch.setattr(log, "SLICE", 2)
    sql("update lineal_checkpoints set last_seq = 1000000 where number = 1")
    assert findings(store)[0].what == "checkpoint 1"
    assert making.SLICE == 10_000
