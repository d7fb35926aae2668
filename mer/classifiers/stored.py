"""Fitted pipelines on disk: one skops file a run, {task: Pipeline}, which holds no pickle and may name few types."""

import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mer import MerError, text

_MOST_BYTES = 2**30  # unpacked: Gaussian processes of a few thousand parts have some 100 MB
_AGAIN = "get a copy of it back, or train this model again with --force"
_BUILTIN = {"dict": "DictNode", "list": "ListNode", "tuple": "TupleNode", "str": "JsonNode", "int": "JsonNode",
            "float": "JsonNode", "bool": "JsonNode", "NoneType": "JsonNode"}
_OBJECTS = """
    sklearn.pipeline.Pipeline sklearn.preprocessing._data.MinMaxScaler sklearn.preprocessing._data.StandardScaler
    sklearn.feature_selection._univariate_selection.SelectKBest sklearn.calibration.CalibratedClassifierCV
    sklearn.calibration._CalibratedClassifier sklearn.calibration._TemperatureScaling sklearn.svm._classes.SVC
    sklearn.neighbors._classification.KNeighborsClassifier sklearn.naive_bayes.GaussianNB
    sklearn.multiclass.OneVsRestClassifier
    sklearn.gaussian_process._gpc.GaussianProcessClassifier sklearn.gaussian_process.kernels.Product
    sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace sklearn.gaussian_process.kernels.RBF
    sklearn.gaussian_process.kernels.ConstantKernel sklearn.preprocessing._label.LabelBinarizer
    sklearn.ensemble._forest.RandomForestClassifier sklearn.tree._classes.DecisionTreeClassifier
    sklearn.neural_network._multilayer_perceptron.MLPClassifier
    sklearn.neural_network._stochastic_optimizers.AdamOptimizer"""
# How skops builds a thing (its loader) and what it is: all that a file of ours names. Everything else is refused.
ALLOWED = frozenset({
    *((loader, f"builtins.{name}") for name, loader in _BUILTIN.items()), ("TypeNode", "builtins.str"),
    *(("NdArrayNode", f"numpy.{name}") for name in ("ndarray", "float64", "float32", "int64", "int32", "bool")),
    *(("ObjectNode", name) for name in _OBJECTS.split()), ("TreeNode", "sklearn.tree._tree.Tree"),
    ("RandomStateNode", "numpy.random.mtrand.RandomState"),
    ("FunctionNode", "sklearn.feature_selection._univariate_selection.chi2")})


def write(pipelines: Mapping[str, Any]) -> bytes:
    """The bytes of a file that `read` reads: task -> fitted Pipeline."""
    import skops.io
    return skops.io.dumps(dict(pipelines), compression=zipfile.ZIP_DEFLATED)


def read(path: Path) -> dict[str, Any]:
    """Fitted pipelines by task.

    Raises
    ------
    MerError
        It is no such file, damaged, of another version of scikit-learn, too large, or names a type that no file of ours
        does; then nothing of it was loaded.
    """
    content = path.read_bytes()
    schema = _schema(path, content)
    strange = sorted(_types(schema) - ALLOWED)
    if strange:
        raise MerError(f"{path} is refused: it holds {text.printable(strange[0][1])[:100]}, which no model of this "
                       f"program does, so nothing of it was loaded: {_AGAIN}")
    import sklearn
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    trusted = [name for _, name in ALLOWED]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            pipelines = skops.io.loads(content, trusted=trusted)
            for pipeline in pipelines.values():
                _check(pipeline)
    except InconsistentVersionWarning as warning:
        raise MerError(f"{path} was made with scikit-learn {warning.original_sklearn_version}, and "
                       f"{sklearn.__version__} is installed: install that version, or train this model again with "
                       "--force") from None
    except Exception as error:  # what skops and scikit-learn raise for content that does not fit together
        reason = text.printable(str(error).partition("\n")[0][:120])
        raise MerError(f"{path} is damaged ({reason}): {_AGAIN}") from None
    return pipelines


def _schema(path, content):
    """The description of the content, checked for its size."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise MerError(f"{path} is refused: unpacked it has more than {_MOST_BYTES // 2**20} MB, as no model "
                               f"of this program has: {_AGAIN}")
            return json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, OSError, NotImplementedError, RuntimeError,
            EOFError) as error:
        raise MerError(f"{path} is damaged ({text.printable(str(error))[:120]}): {_AGAIN}") from None


def _types(schema):
    """(loader, type) of everything that a description names."""
    found, todo = set(), [schema]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "__loader__" in item or "__class__" in item:
                found.add((str(item.get("__loader__")), f"{item.get('__module__')}.{item.get('__class__')}"))
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return found


def _check(pipeline):
    """Raise ValueError where arrays that compiled code walks through do not fit together."""
    from sklearn.pipeline import Pipeline
    if not isinstance(pipeline, Pipeline):
        raise ValueError("a task has something else than a pipeline")
    made = pipeline[-1]
    if hasattr(made, "calibrated_classifiers_"):
        made = made.calibrated_classifiers_[0].estimator
    for tree in getattr(made, "estimators_", []):
        nodes = tree.tree_.__getstate__()["nodes"]
        inner = nodes["left_child"] != -1
        for side in ("left_child", "right_child"):
            if ((nodes[side][inner] <= np.flatnonzero(inner)) | (nodes[side][inner] >= len(nodes))).any():
                raise ValueError("a tree leads to no node of its own")
        if ((nodes["feature"][inner] < 0) | (nodes["feature"][inner] >= tree.n_features_in_)).any():
            raise ValueError("a tree asks for a feature that there is not")
    if hasattr(made, "support_vectors_"):
        n, width = made.support_vectors_.shape
        n_classes = len(made.classes_)
        if (made._n_support.sum() != n or width != made.shape_fit_[1] or len(made._n_support) != n_classes
                or made._dual_coef_.shape != (n_classes - 1, n)
                or len(made._intercept_) != n_classes * (n_classes - 1) // 2):
            raise ValueError("the support vectors do not fit together")
