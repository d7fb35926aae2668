"""Classifiers of scikit-learn on named features: the seven of SincNet-MER's thesis, and what the field would use today.

scikit-learn is imported where a classifier is made: -h and typos answer at once.
"""

import importlib
from dataclasses import dataclass
from typing import Any

from mer import MerError

BEST = "best"  # of `COMPARED`, by cross-validation inside the training clips


@dataclass(frozen=True)
class Classifier:
    """A classifier behind a scaler and a choice of features.

    Attributes
    ----------
    title : str
        In tables.
    made_of : str
        Class of scikit-learn, with its module.
    options : dict
        Its arguments; others have the values of scikit-learn, which run.json names.
    has_probabilities : bool
        Otherwise the softmax of its decision values, whose temperature is fitted on training clips that it did not see.
    is_compared : bool
        Whether it is one of the seven of the thesis: values scaled to [0, 1], the best features by chi2. Otherwise all
        features are standardized, and C and gamma are found by cross-validation inside the training clips.
    """

    title: str
    made_of: str
    options: dict[str, Any]
    has_probabilities: bool = True
    is_compared: bool = True

    @property
    def facts(self) -> dict[str, Any]:
        """What a run records of it, JSON-able."""
        return {"class": self.made_of, **self.options}

    def build(self, seed: int) -> Any:
        """The classifier of scikit-learn, not fitted; `seed` is of those that draw."""
        module, _, name = self.made_of.rpartition(".")
        made = getattr(importlib.import_module(module), name)(**self.options)
        return made.set_params(random_state=seed) if "random_state" in made.get_params() else made


# By the name that --clf takes. What the thesis behind SincNet-MER does not print has the value of scikit-learn 1.9.1,
# whose Gaussian process has a kernel of length 1 that is not fitted.
CLASSIFIERS = {
    "knn": Classifier("3-NN", "sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 3, "algorithm": "brute"}),
    "linear_svc": Classifier("linear SVC", "sklearn.svm.SVC", {"kernel": "linear", "C": 0.025}, False),
    "rbf_svc": Classifier("RBF SVC", "sklearn.svm.SVC", {"kernel": "rbf"}, False),
    "gp": Classifier("Gaussian process", "sklearn.gaussian_process.GaussianProcessClassifier", {}),
    "nb": Classifier("naive Bayes", "sklearn.naive_bayes.GaussianNB", {}),
    "forest": Classifier("random forest", "sklearn.ensemble.RandomForestClassifier",
                         {"n_estimators": 100, "max_depth": 15}),
    "mlp": Classifier("MLP", "sklearn.neural_network.MLPClassifier",
                      {"hidden_layer_sizes": [100], "alpha": 1.0, "max_iter": 1000}),
    "svm": Classifier("SVM", "sklearn.svm.SVC", {"kernel": "rbf", "class_weight": "balanced"}, False, False),
}
COMPARED = tuple(name for name, each in CLASSIFIERS.items() if each.is_compared)


def title(name: str) -> str:
    """Of a classifier, or of the best of those compared, in tables."""
    return f"best of {len(COMPARED)}" if name == BEST else CLASSIFIERS[name].title


def get(name: str) -> Classifier:
    """The classifier of that name; MerError where there is none."""
    if name not in CLASSIFIERS:
        raise MerError(f"classifier {name!r} came, but one of {', '.join(CLASSIFIERS)} was expected")
    return CLASSIFIERS[name]


class Models(tuple):
    """What -mod of a prediction may be: names of architectures, which it holds, or a classifier with its features."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or any(str(name).startswith(f"{each}_") for each in (*CLASSIFIERS, BEST))
