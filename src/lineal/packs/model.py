"""The model's files and its signature, as the OpenSSF model-signing tool takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lineal import signing
from lineal.errors import LinealError
from lineal.models import signature, tracking
from lineal.packs.interface import Document
from lineal.packs.manifest import Missing
from lineal.packs.zipped import KeptFile, Piece
from lineal.questions.dossier import Dossier

FOLDER = "model"
FIRST_SIGNATURE = "attestations/model.sig"
# MLflow's example of what a model is asked: rows of the training data.
_ROWS = ("input_example.json", "serving_input_example.json")
_SAYS = {
    "MLmodel": "What MLflow needs to load the model: its flavours, the signature of its inputs and outputs",
    "model.skops": "The fitted model, saved by skops: to load it runs no code",
    "requirements.txt": "The packages that the model needs, for pip",
    "conda.yaml": "The packages that the model needs, for conda",
    "python_env.yaml": "The Python that the model needs, for MLflow",
    signature.FILE_NAME: "The signature of the model's files, as the OpenSSF model-signing tool checks it",
}
_TYPES = {".yaml": "application/yaml", ".json": "application/json", ".txt": "text/plain", ".sig": "application/json"}
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def pieces(dossier: Dossier, folder: Path, missing: list[Missing], *, with_data: bool) -> Iterator[Piece]:
    """Give the model's files as they lie in MLflow.

    Rows that MLflow keeps beside a model as an example go in only with the data. As a signature names all files, one is
    then made over those that are left, and the first one is kept beside it.

    Args:
        dossier: of the model.
        folder: an empty one, for what must be brought from a server.
        missing: takes what could not be had.
        with_data: whether rows may be in the pack.

    Raises:
        SigningError: there is no key to sign with, and none can be made.
    """
    try:
        place = _place(dossier, folder)
    except LinealError as problem:
        missing.append(Missing("the model's files", problem.message))
        return
    signed = dossier.facts.signature
    if signed is not None and signed.wrong:
        why = f"they are not what was signed when it was trained: {', '.join(signed.wrong)}"
        missing.append(Missing("the model's files", why))
        return
    left_out = [] if with_data else [name for name in _ROWS if (place / name).exists()]
    for file in sorted(each for each in place.rglob("*") if each.is_file()):
        name = file.relative_to(place).as_posix()
        if name not in left_out and name != signature.FILE_NAME and name.split("/")[0] != "registered_model_meta":
            says = _SAYS.get(name, "A file of the model, as MLflow keeps it")
            yield KeptFile(f"{FOLDER}/{name}", file, _TYPES.get(file.suffix, "application/octet-stream"), says)
    if left_out:
        why = "they hold rows of the training data; give --with-data to have them"
        missing.append(Missing(" and ".join(f"{FOLDER}/{name}" for name in left_out), why))
    yield from _signatures(dossier, place, left_out, missing)


def _place(dossier: Dossier, folder: Path) -> Path:
    fit = dossier.facts.fit
    logged = (fit.facets.get("lineal_mlflow") if fit else None) or {}
    place = tracking.files_of(str(logged.get("modelId") or ""))
    if place is not None:
        return place
    tracking.check_reachable()
    model = dossier.facts.model
    return tracking.download(f"models:/{model.name}/{model.number}", folder)


def _signatures(dossier: Dossier, place: Path, left_out: list[str], missing: list[Missing]) -> Iterator[Piece]:
    file = place / signature.FILE_NAME
    path = f"{FOLDER}/{signature.FILE_NAME}"
    if not file.is_file():
        missing.append(Missing(path, "the model was not signed when it was trained"))
        return
    text = file.read_bytes()
    if not left_out:
        yield Document(path, text, _BUNDLE, _SAYS[signature.FILE_NAME])
        return
    kept = {name: hashed for name, hashed in signature.hashes(place).items() if name not in left_out}
    made = signature.bundle(kept, dossier.facts.model.digest, signing.key_for("models"))
    says = "The signature of the model's files that are here, made with the pack, as model-signing checks it"
    yield Document(path, made.encode(), _BUNDLE, says)
    says = f"The signature that the model got when it was trained: it is over {' and '.join(left_out)} as well"
    yield Document(FIRST_SIGNATURE, text, _BUNDLE, says)
