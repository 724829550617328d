"""Tools that are not ours judge a pack's documents: each says what it finds wrong, and nothing where all is well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.parts.validators import run_validator

CONTEXT = Path(__file__).parent / "contexts" / "ro-crate-1.1.jsonld"

_CYCLONEDX = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding="utf-8").read()
wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
print("" if wrong is None else wrong)
"""
# It asks for the JSON-LD context by its address: it is answered from a kept copy, and its cache is what it reads.
_CRATE = """
import io, sys, tempfile
from pathlib import Path
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from urllib3 import HTTPResponse
crate, context = sys.argv[1:]
class Kept(HTTPAdapter):
    def send(self, request, **_):
        body, head = io.BytesIO(Path(context).read_bytes()), {"Content-Type": "application/ld+json"}
        return self.build_response(request, HTTPResponse(body, head, 200, preload_content=False))
with tempfile.TemporaryDirectory() as folder:
    cache = Path(folder) / "cache"
    with CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Kept())
        session.get("https://w3id.org/ro/crate/1.1/context")
    settings = ValidationSettings(
        rocrate_uri=crate, profile_identifier="provenance-run-crate", requirement_severity=Severity.REQUIRED,
        offline=True, cache_path=cache, skip_availability_check=True,
    )
    for issue in services.validate(settings).get_issues():
        print(issue.check.identifier, issue.message, getattr(issue, "violatingEntity", ""))
"""
_CROISSANT = """
import json, sys
import mlcroissant as mlc
found = mlc.Dataset(jsonld=sys.argv[1])
for wrong in found.metadata.ctx.issues.errors:
    print(wrong, file=sys.stderr)
names = {field.id: field.name for field in found.metadata.record_sets[0].fields} if sys.argv[2:] else {}
rows = []
for record in found.records("rows") if sys.argv[2:] else ():
    plain = {names[key]: value.decode() if isinstance(value, bytes) else value for key, value in record.items()}
    rows.append({key: value.item() if hasattr(value, "item") else value for key, value in plain.items()})
print(json.dumps(rows, default=str))
"""
_PROV = """
import sys
from prov.model import ProvDocument
read = ProvDocument.deserialize(sys.argv[1])
again = ProvDocument.deserialize(content=read.serialize())
if read != again or not len(read.get_records()):
    print("it is not the same once it was read and written again")
"""


def cyclonedx(file: Path) -> str:
    """What CycloneDX's strict validator finds wrong."""
    return _judged(_CYCLONEDX, file)


def crate(folder: Path) -> str:
    """What of REQUIRED kind roc-validator finds wrong, by the profile of provenance run crates."""
    return _judged(_CRATE, folder, CONTEXT)


def croissant(file: Path) -> str:
    """What mlcroissant finds wrong."""
    done = run_validator("python", "-c", _CROISSANT, file)
    return "" if done.returncode == 0 and done.stdout == "[]\n" and "error(s)" not in done.stderr else done.stderr


def rows(file: Path) -> list[Mapping[str, Any]]:
    """The records that mlcroissant reads from the data beside a Croissant; it needs pyarrow, which Lineal has."""
    command = [sys.executable, "-c", _CROISSANT, file, "rows"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[Mapping[str, Any]] = json.loads(done.stdout)
    return found


def prov(file: Path) -> str:
    """What is lost when the package `prov` reads and writes."""
    return _judged(_PROV, file)


def formats(folder: Path) -> dict[str, str]:
    """What is wrong with an unpacked pack's documents, by their paths; nothing where all is well."""
    told = {
        "bom.cdx.json": cyclonedx(folder / "bom.cdx.json"),
        "ro-crate-metadata.json": crate(folder),
        "provenance/prov.json": prov(folder / "provenance" / "prov.json"),
    }
    told |= {f"croissant/{file.name}": croissant(file) for file in sorted((folder / "croissant").glob("*.json"))}
    return {path: wrong for path, wrong in told.items() if wrong}


def _judged(script: str, *paths: Path) -> str:
    done = run_validator("python", "-c", script, *paths)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
