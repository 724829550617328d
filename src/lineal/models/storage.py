"""Save fitted models in skops format and load them again without running code from the file.

A skops archive names the classes it holds. It is loaded only where each of them is one that skops trusts by itself, one
of `TRUSTED` below, or one that the caller names because the user did (the estimator of a pipeline file): never a class
that is trusted because the file says so.

What this does not hold off: a crafted archive of trusted classes can hold a tree whose node indices lead outside its
arrays, and so crash the process that predicts with it. Whether a model is the one that was trained says its digest.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lineal.errors import EstimatorError, StorageError, UntrustedModelError

# The file's name inside an MLflow model.
FILE_NAME = "model.skops"

# What fitted scikit-learn models hold and skops does not trust by itself: plain state and pure functions, each of them.
TRUSTED: frozenset[str] = frozenset(
    {
        # Of this package's own preprocessing.
        "lineal.models.preprocessing.DateFeatures",
        "lineal.models.preprocessing.category_feature",
        "lineal.models.raw.to_numbers",
        "lineal.models.raw.to_texts",
        # Types and arrays that imputers, encoders and projections keep.
        "numpy.dtype",
        "numpy.number",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.compose._column_transformer.make_column_selector",
        # SplineTransformer; the second with SciPy before 1.18, the third since.
        "scipy.interpolate._bsplines.BSpline",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines._BSpline",
        # Trees and forests; skops leaves them out for what the module's docstring says.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        # Neighbours.
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        # Linear models with a link, and neural networks.
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        # Gaussian processes.
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.CompoundKernel",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.DotProduct",
        "sklearn.gaussian_process.kernels.ExpSineSquared",
        "sklearn.gaussian_process.kernels.Exponentiation",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.PairwiseKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.RationalQuadratic",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        # Clustering.
        "numpy.mean",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        # Estimators made of estimators: ensembles, calibration, thresholds, searches.
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.metrics._ranking.roc_auc_score",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedGroupKFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        # Feature selection: the functions that score a feature.
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._univariate_selection.r_regression",
    }
)


def save(model: object, path: str | Path, *, trusted: Collection[str] = ()) -> tuple[str, ...]:
    """Write a fitted model to a file, whole or not at all.

    Args:
        model: a fitted estimator.
        path: the file to write; one that is there is replaced.
        trusted: classes beyond `TRUSTED`, by import path, that the user named: those of the pipeline file.

    Returns:
        The classes in it that skops does not trust by itself, sorted; each is in `TRUSTED` or in `trusted`.

    Raises:
        EstimatorError: the model holds what skops cannot save.
        UntrustedModelError: the model holds a class that could not be loaded again.
        StorageError: the file cannot be written.
    """
    import skops.io

    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            temporary = Path(folder) / path.name
            with temporary.open("wb") as file:
                _dump(model, file, path)
                file.flush()
                os.fsync(file.fileno())
            held = tuple(skops.io.get_untrusted_types(file=temporary))
            _require_trusted(held, trusted, f"the model cannot be saved to {path}", "train it with another estimator")
            temporary.replace(path)
    except OSError as problem:
        raise StorageError(
            f"the model cannot be written to {path}: {problem.strerror or problem}; "
            "free the disk or choose another folder"
        ) from problem
    return held


def load(path: str | Path, *, trusted: Collection[str] = ()) -> Any:
    """Read a model from a file that `save` wrote, running none of the file's code.

    Args:
        path: the file.
        trusted: classes beyond `TRUSTED`, by import path, that the user named; never taken from the file.

    Raises:
        UntrustedModelError: the file holds other classes; the message names them.
        EstimatorError: the file is missing, damaged or no skops archive.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    path = Path(path)
    try:
        return skops.io.load(path, trusted=sorted({*TRUSTED, *trusted}))
    except UntrustedTypesFoundException:
        held = skops.io.get_untrusted_types(file=path)
        _require_trusted(held, trusted, f"{path} is not loaded", "load it only if you know where it comes from")
        raise
    except OSError as problem:
        raise EstimatorError(f"the model file {path} cannot be read: {problem.strerror or problem}") from problem
    # A damaged archive fails in as many ways as it has bytes: in zipfile, json, NumPy or a class's own state.
    except Exception as problem:
        raise EstimatorError(
            f"{path} is damaged or no skops model file ({type(problem).__name__}: {problem}); "
            "restore it, or train the model again"
        ) from problem


def _dump(model: object, file: Any, path: Path) -> None:
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        skops.io.dump(model, file)
    except UnsupportedTypeException as problem:
        raise EstimatorError(
            f"the model cannot be saved to {path}: {problem} Use another estimator, or other parameters"
        ) from problem
    except OSError:
        raise
    # skops takes objects apart by their own methods, which may raise anything.
    except Exception as problem:
        raise EstimatorError(
            f"the model cannot be saved to {path}: skops cannot take it apart ({type(problem).__name__}: {problem}); "
            "use another estimator, or other parameters"
        ) from problem


def _require_trusted(held: Collection[str], trusted: Collection[str], what: str, remedy: str) -> None:
    strange = sorted(set(held) - TRUSTED - set(trusted))
    if strange:
        raise UntrustedModelError(
            f"{what}: it holds {', '.join(strange)}, which {'is' if len(strange) == 1 else 'are'} not among the types "
            f"that Lineal trusts; {remedy}"
        )
