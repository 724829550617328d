"""Checks of the technical record: events, their integrity, what it takes to do it again, signatures."""

from __future__ import annotations

from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts
from lineal.questions.audit.findings import Found, counted, found, some
from lineal.questions.audit.human import by_person

_ENDS = ("COMPLETE", "FAIL", "ABORT")
# Decisions that a pipeline's rules take say nothing of what changed.
_BY_PEOPLE = ("note", "approve", "reject", "waive")


@check("runs-ended")
def runs_ended(facts: Facts) -> Found:
    """Every run of the flows that made it has a beginning and an end on record."""
    if not facts.runs:
        return found("open", "no run that made it is on record")
    endless = [run for run in facts.runs if run.state not in _ENDS]
    beginless = [run for run in facts.runs if run.started_at is None]
    numbers = {"runs": len(facts.runs), "without_end": len(endless), "without_beginning": len(beginless)}
    if endless:
        said = f"{some(run.job for run in endless)} has no end on record; `lineal sweep` ends what was killed"
        return found("fail", said, runs=endless, numbers=numbers)
    if beginless:
        return found(
            "fail", f"{some(run.job for run in beginless)} has no beginning on record", runs=beginless, numbers=numbers
        )
    if facts.fit is None:
        return found("open", "the run that fitted it is not on record", runs=facts.runs, numbers=numbers)
    failed = sum(run.state != "COMPLETE" for run in facts.runs)
    tail = f", {failed} of them in failure" if failed else ""
    return found("pass", f"{counted(len(facts.runs), 'run')} began and ended{tail}", runs=facts.runs, numbers=numbers)


@check("log-intact", wants=["sealed"])
def log_intact(facts: Facts) -> Found:
    """Every event that these facts rest on is under a signed checkpoint of the log, as it was recorded."""
    sealed = facts.sealed
    if sealed is None or not sealed.events:
        return found("open", "no event of what made it is on record")
    numbers = {"events": sealed.events, "held": sealed.held, "unsealed": sealed.open}
    if sealed.changed:
        places = some(str(seq) for seq in sealed.changed)
        return found("fail", f"event {places} is not what was signed", command="lineal verify", numbers=numbers)
    if sealed.problem or sealed.untrusted:
        why = sealed.problem or f"{counted(sealed.untrusted, 'event')} are signed by a key that is not believed here"
        return found("open", why, command="lineal verify", numbers=numbers)
    if sealed.open:
        said = f"{sealed.open} of {sealed.events} events are under no checkpoint yet; `lineal sweep` makes one"
        return found("open", said, command="lineal verify", numbers=numbers)
    said = f"{counted(sealed.events, 'event')} under {counted(len(sealed.checkpoints), 'signed checkpoint')}, unchanged"
    return found("pass", said, command=f"lineal verify {facts.subject}", numbers=numbers)


@check("log-kept", wants=["sealed"])
def log_kept(facts: Facts, *, days: int = 183) -> Found:
    """The log goes back to its first event: nothing of it was deleted in so many days.

    Args:
        facts: about the model.
        days: how long the log must be kept at the least.
    """
    sealed = facts.sealed
    if sealed is None or sealed.first_seq is None:
        return found("open", "there is no event in the log")
    if sealed.first_sealed is None:
        return found("open", "no checkpoint says with which event the log began", command="lineal verify")
    if sealed.first_seq > sealed.first_sealed:
        gone = f"events {sealed.first_sealed} to {sealed.first_seq - 1} were put under a checkpoint and are gone"
        return found("fail", gone, command="lineal verify", numbers={"first_event": sealed.first_seq})
    if sealed.gone > 0:
        gone = f"{counted(sealed.gone, 'event')} of the log that were put under a checkpoint are gone"
        return found("fail", gone, command="lineal verify", numbers={"events_gone": sealed.gone})
    age = (facts.now - datetime.fromisoformat(sealed.first_at or "")).total_seconds() / 86_400
    said = f"nothing was deleted from the log since its first event, {age:,.0f} days ago"
    numbers = {"first_event": sealed.first_seq, "log_days": round(age, 2), "asked_days": days}
    return found("pass", said, command="lineal verify", numbers=numbers)


@check("reproducible")
def reproducible(facts: Facts) -> Found:
    """All that it takes to make it again is on record: a clean commit, parameters, seeds, packages, data versions."""
    if facts.fit is None:
        return found("open", "the run that fitted it is not on record")
    environment, asked = facts.environment, facts.asked
    code = (facts.materials.get("uncommitted") or {}).get("state")
    seeds = [key for key in asked if "seed" in key.rpartition(".")[2] or ".seeds." in key]
    there = {
        "the commit of the code": environment.get("gitCommit"),
        "parameters": any(key.startswith("model.") for key in asked) or facts.fit.parameters,
        "a seed": seeds,
        "the packages": environment.get("packagesSha256"),
        "the versions of its data": facts.fit.tables_read and all(table.version for table in facts.fit.tables_read),
    }
    command = f"lineal reproduce {facts.subject}"
    commit = str(environment.get("gitCommit") or "")[:12]
    if environment.get("gitDirty"):
        kept = "; the difference is kept" if code == "kept" else ""
        said = f"the code differed from its commit {commit}{kept}"
        return found("fail", said, runs=[facts.fit], command=command, numbers={"commit": commit})
    missing = [what for what, found_ in there.items() if not found_]
    if missing:
        return found(
            "open",
            f"not on record: {', '.join(missing)}",
            runs=[facts.fit],
            command=command,
            numbers={"commit": commit},
        )
    said = f"commit {commit} without changes, parameters, {counted(len(seeds), 'seed')}, packages and data versions"
    return found(
        "pass",
        said,
        runs=[facts.fit],
        datasets=facts.fit.tables_read,
        command=command,
        numbers={"commit": commit, "seeds": len(seeds)},
    )


@check("packages-pinned")
def packages_pinned(facts: Facts) -> Found:
    """It was trained with the packages that the project's lock file names, each at its version."""
    environment = facts.environment
    if not environment:
        return found("open", "what it was trained in is not on record")
    if not environment.get("lockSha256"):
        return found(
            "fail",
            "the project has no lock file",
            runs=[facts.fit],
            numbers={"packages_hash": str(environment.get("packagesSha256", ""))[:12]},
        )
    lock = str(environment.get("lockFile"))
    numbers = {"lock": lock, "lock_hash": str(environment["lockSha256"])[:12]}
    compared = facts.materials.get("locked")
    if not isinstance(compared, dict):
        return found(
            "open",
            f"{lock} is there, and whether the packages are those that it names is not on record",
            runs=[facts.fit],
            numbers=numbers,
        )
    loose = [str(each) for each in compared.get("unpinned") or ()]
    if loose:
        return found(
            "fail",
            f"{counted(int(compared.get('count', len(loose))), 'package')} not as {lock} has it: {some(loose)}",
            runs=[facts.fit],
            numbers={"unpinned": len(loose), **numbers},
        )
    return found(
        "pass",
        f"{counted(int(compared.get('compared', 0)), 'package')}, each at the version that {lock} names",
        runs=[facts.fit],
        numbers=numbers,
    )


@check("model-signed", wants=["signature"])
def model_signed(facts: Facts) -> Found:
    """The model's files are those that were signed, by a key that is believed here."""
    said = facts.signature
    if said is None or said.problem:
        return found(
            "open", f"its files cannot be looked at: {said.problem if said else 'not asked'}", runs=[facts.fit]
        )
    command = f"lineal verify {facts.subject}"
    if not said.signed:
        return found("fail", "there is no signature beside its files", runs=[facts.fit], command=command)
    if said.wrong:
        return found("fail", some(said.wrong), runs=[facts.fit], command=command, numbers={"key": said.key[:12]})
    if not said.trusted:
        return found(
            "open",
            f"it is signed by the key {said.key[:12]}, which is not believed here",
            runs=[facts.fit],
            command=command,
            numbers={"key": said.key[:12]},
        )
    return found(
        "pass",
        f"its files are those that the key {said.key[:12]} signed",
        runs=[facts.fit],
        command=command,
        numbers={"key": said.key[:12]},
    )


@check("changes-noted", wants=["before"])
def changes_noted(facts: Facts) -> Found:
    """What changed since the version before it is known, and a person said something of it."""
    if facts.before is None:
        return found("n/a", "there is no version before it", runs=[facts.fit])
    command = f"lineal diff {facts.called}@{facts.before.number} {facts.subject}"
    if facts.changed is None:
        return found("open", f"what made version {facts.before.number} is not on record", command=command)
    if not facts.changed:
        return found("pass", f"nothing changed since version {facts.before.number}", command=command)
    said = f"since version {facts.before.number}: {some(facts.changed, most=5)}"
    notes = [each for each in facts.decisions if each.action in _BY_PEOPLE and by_person(each) and each.reason]
    numbers = {"changes": len(facts.changed), "notes": len(notes)}
    if not notes:
        return found("fail", f"{said}; and nobody noted or decided anything of it", command=command, numbers=numbers)
    newest = notes[-1]
    return found(
        "pass", f"{said}; {newest.by} said: {newest.reason}", runs=[newest.run_id], command=command, numbers=numbers
    )
