"""Check a pack from the file alone: each file, each signature, each event's proof. No store is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lineal import signing
from lineal.errors import PackError, SigningError
from lineal.models import signature
from lineal.packs import contents, events, manifest, model, zipped
from lineal.packs.envelope import IN_TOTO, MANIFEST, Sealed, unseal
from lineal.packs.manifest import Entry, Manifest, Missing
from lineal.packs.zipped import Opened
from lineal.signing import PublicKey
from lineal.store.checkpoints.proofs import EventProof, check_proof

_MODEL_SIGNATURE = f"{model.FOLDER}/{signature.FILE_NAME}"
Problem = Literal["changed", "missing", "added", "not signed", "not trusted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold.

    Attributes:
        problem: in what way.
        what: a file, a line of one, or a key.
        detail: in a few words, and what to do.
    """

    problem: Problem
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Part:
    """How much was looked at.

    Attributes:
        note: what of it was not, and why; empty where all was.
    """

    name: str
    unit: str
    count: int
    wrong: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PackCheck:
    """The answer to `verify` of a pack.

    Attributes:
        file: the pack.
        subject: the model version that it is about, as it says.
        made_at: when, as it says.
        made_by: by what, as it says.
        key: id of the key that its manifest is signed with; empty where it is with none that is known.
        origin: where that key was found.
        trusted: whether it was given, or is believed on this machine.
        checked: what was looked at.
        findings: what does not hold.
        missing: what the pack goes without, as it says.
    """

    file: str
    subject: str
    made_at: str
    made_by: str
    key: str
    origin: str
    trusted: bool
    checked: tuple[Part, ...]
    findings: tuple[Finding, ...]
    missing: tuple[Missing, ...]

    @property
    def holds(self) -> bool:
        """Whether all that was looked at is as it was signed, by a key that is trusted."""
        return not self.findings


def check(file: Path, *, keys: Sequence[Path] = ()) -> PackCheck:
    """Check a pack.

    Args:
        file: the pack.
        keys: files of the public keys to believe; where none is named, this machine's own and those in `keys/trusted`.

    Raises:
        PackError: it is no pack, cannot be read, or holds what could do harm.
        SigningError: a file is no key.
    """
    believed = signing.trusted("log", keys)
    if keys and not {key.id for key in map(signing.read_public, keys)} & set(believed):
        raise SigningError(f"{keys[0]} is a key for models; packs are signed with Ed25519, so give that public key")
    with zipped.opened(file) as pack:
        return _Check(pack, file, believed).answer()


@dataclass(slots=True)
class _Check:
    pack: Opened
    file: Path
    believed: Mapping[str, PublicKey]
    findings: list[Finding] = field(default_factory=list)
    # The files whose bytes are those that are listed.
    sound: dict[str, Entry] = field(default_factory=dict)

    def answer(self) -> PackCheck:
        known = [*self.believed.values(), *self._enclosed_keys()]
        listed, key = self._manifest(known)
        parts = [self._part("files", "files", self._files(listed))]
        parts.append(self._part("statements", "signed statements", self._statements(key)))
        # What is not as it was listed says nothing of what is in it.
        log, signed = (events.EVENTS, events.PROOFS), (_MODEL_SIGNATURE, contents.MODEL_KEY)
        parts.append(self._part("events", "events", self._events(listed, {each.id: each for each in known}), log))
        parts.append(self._part("model", "files", self._model(listed), signed))
        return PackCheck(
            file=str(self.file),
            subject=listed.subject,
            made_at=listed.made_at,
            made_by=listed.made_by,
            key=key.id if key is not None else "",
            origin=key.origin if key is not None else "",
            trusted=key is not None and key.id in self.believed,
            checked=tuple(parts),
            findings=tuple(self.findings),
            missing=listed.missing,
        )

    def _part(self, name: str, unit: str, steps: Iterator[Finding | str], rests_on: tuple[str, ...] = ()) -> Part:
        """Take findings, and a text for each thing that was looked at; of files that are not sound nothing is."""
        count, before = 0, len(self.findings)
        unsound = [path for path in rests_on if any(each.what == path for each in self.findings)]
        if unsound:
            return Part(name, unit, 0, 0, f"not checked: see {' and '.join(unsound)} below")
        for each in steps:
            if isinstance(each, Finding):
                self.findings.append(each)
            else:
                count += 1
        return Part(name, unit, count, len(self.findings) - before)

    def _add(self, problem: Problem, what: str, detail: str) -> None:
        self.findings.append(Finding(problem, what, detail))

    def _manifest(self, known: Sequence[PublicKey]) -> tuple[Manifest, PublicKey | None]:
        """The manifest as it was signed, and by whom; else as it stands."""
        stands, sealed = self._read(manifest.PATH), self._read(manifest.SIGNATURE)
        seal = self._seal(sealed) if sealed is not None else None
        if stands is None and seal is None:
            raise PackError(f"is no evidence pack: it has no {manifest.PATH} that can be read", path=self.file)
        key = seal.signer(known) if seal is not None else None
        if seal is not None and stands is not None and seal.payload != stands:
            other = replace(seal, payload=stands)
            if key is None and (found := other.signer(known)) is not None:
                seal, key = other, found
                self._add("changed", manifest.SIGNATURE, f"its signature is over {manifest.PATH}, and not what it says")
            else:
                self._add("changed", manifest.PATH, "it is not what was signed")
        content = seal.payload if seal is not None and (key is not None or stands is None) else stands
        assert content is not None  # noqa: S101 - one of them is there
        try:
            listed = Manifest.of(content)
        except PackError as problem:
            raise PackError(problem.message, path=self.file) from problem
        if seal is not None:
            self._signer(key, listed, {each.id for each in known})
        return listed, key

    def _seal(self, content: bytes) -> Sealed | None:
        try:
            seal = unseal(content)
        except ValueError as problem:
            self._add("changed", manifest.SIGNATURE, str(problem))
            return None
        if seal.kind != MANIFEST:
            self._add("changed", manifest.SIGNATURE, "it is a signature of something else")
            return None
        return seal

    def _read(self, path: str) -> bytes | None:
        if path not in self.pack.sizes:
            if path in manifest.UNLISTED:
                self._add("missing", path, "without it nothing shows what the pack should hold")
            return None
        try:
            return self.pack.read(path)
        except ValueError as problem:
            if path in manifest.UNLISTED:
                self._add("changed", path, str(problem))
            return None

    def _enclosed_keys(self) -> list[PublicKey]:
        found = []
        for path in sorted(self.pack.sizes):
            if path.startswith("keys/") and path.endswith(".pub") and (content := self._read(path)) is not None:
                try:
                    found.append(signing.parse_public(content, f"{self.file.name}:{path}"))
                except SigningError:
                    continue  # its hash tells
        return found

    def _signer(self, key: PublicKey | None, listed: Manifest, known: set[str]) -> None:
        if key is None and listed.key in known:
            self._add(
                "changed", manifest.SIGNATURE, f"its signature is not of the key {listed.key[:12]} over what it says"
            )
        elif key is None:
            detail = f"its signature is of none of the keys that are known here (it names {listed.key[:12]})"
            self._add("not signed", manifest.PATH, detail)
        elif key.id not in self.believed:
            have = ", ".join(each[:12] for each in self.believed) or "none"
            detail = (
                f"signed it, and is not trusted here (trusted: {have}); anyone can make a key: get the sender's by "
                "another way than the pack, and give it by --public-key"
            )
            self._add("not trusted", f"key {key.id[:12]}", detail)

    def _files(self, listed: Manifest) -> Iterator[Finding | str]:
        entries = {entry.path: entry for entry in listed.files}
        for path in sorted(entries.keys() | (self.pack.sizes.keys() - manifest.UNLISTED)):
            entry = entries.get(path)
            if entry is None:
                yield Finding("added", path, "it was not there when the pack was signed")
                continue
            yield path
            if path not in self.pack.sizes:
                yield Finding("missing", path, f"it was there when the pack was signed: {entry.says}")
                continue
            try:
                same = self.pack.sizes[path] == entry.size and self.pack.sha256(path) == entry.sha256
            except ValueError as problem:
                yield Finding("changed", path, str(problem))
                continue
            if same:
                self.sound[path] = entry
            else:
                yield Finding("changed", path, "it is not what it was when the pack was signed")

    def _statements(self, key: PublicKey | None) -> Iterator[Finding | str]:
        """Of those that are as they were: that they are signed by the same key, and about these files."""
        for path in sorted(each for each in self.sound if each.endswith(".dsse.json")):
            yield path
            try:
                seal = unseal(self.pack.read(path))
                said = json.loads(seal.payload)
                subjects = {str(each["name"]): dict(each["digest"]) for each in said["subject"]}
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
                yield Finding("not signed", path, f"it holds no statement: {problem}")
                continue
            if seal.kind != IN_TOTO or (key is not None and not seal.is_signed_by(key)):
                yield Finding("not signed", path, "it is not signed with the key of the manifest")
            for name, digest in subjects.items():
                entry = self.sound.get(name)
                if entry is not None and digest.get("sha256") not in (None, entry.sha256):
                    yield Finding("changed", path, f"it is about another {name}")

    def _events(self, listed: Manifest, keys: Mapping[str, PublicKey]) -> Iterator[Finding | str]:
        if not {events.EVENTS, events.PROOFS} <= self.sound.keys():
            return
        try:
            proofs = _proofs(json.loads(self.pack.read(events.PROOFS)))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
            yield Finding("changed", events.PROOFS, f"it holds no proofs ({type(problem).__name__})")
            return
        number = unproved = 0
        for number, line in enumerate(self.pack.lines(events.EVENTS), 1):
            what = f"{events.EVENTS}:{number}"
            proof = proofs.get(number)
            if proof is None:
                unproved += 1
                continue
            yield what
            key = keys.get(proof.checkpoint.key)
            if key is None:
                detail = f"its checkpoint is signed with the key {proof.checkpoint.key[:12]}, which is not known here"
                yield Finding("not trusted", what, detail)
            elif not check_proof(proof, line.decode(errors="replace"), key):
                yield Finding("changed", what, f"event {proof.seq} of the log is not what was signed there")
        told = events.without_proof(unproved, number)
        if unproved and told not in {each.what for each in listed.missing}:
            yield Finding("missing", events.PROOFS, f"{told} are not there, and the manifest does not say so")

    def _model(self, listed: Manifest) -> Iterator[Finding | str]:
        """That the model's signature is over the files that are here, by the key that lies beside."""
        path = _MODEL_SIGNATURE
        if path not in self.sound:
            return
        start = f"{model.FOLDER}/"
        stands = {
            each.removeprefix(start): bytes.fromhex(entry.sha256)
            for each, entry in self.sound.items()
            if each.startswith(start) and each != path
        }
        try:
            # The manifest answers for this key.
            key = signing.parse_public(self.pack.read(contents.MODEL_KEY), contents.MODEL_KEY)
            said = signature.compare(self.pack.read(path).decode(), stands, {key.id: key})
        except (SigningError, ValueError) as problem:
            yield Finding("not signed", path, str(problem))
            return
        except KeyError:
            yield Finding("not trusted", path, "the public key of its signature is not in the pack")
            return
        yield from stands
        gone = [f"{start}{name}" for name in (*said.changed, *said.missing, *said.added)]
        known = {finding.what for finding in self.findings}
        for name in gone:
            if name not in known:
                yield Finding("changed", name, "it is not what the model's signature is over")
        if not said.trusted:
            yield Finding("not signed", path, f"it is signed with another key than {contents.MODEL_KEY}")
        elif said.subject != listed.digest:
            yield Finding("changed", path, "it is the signature of another model")


def _proofs(said: Any) -> dict[int, EventProof]:
    checkpoints = {each["number"]: each for each in said["checkpoints"]}
    return {
        int(each["line"]): EventProof.from_json({**each, "checkpoint": checkpoints[each["checkpoint"]]})
        for each in said["events"]
    }
