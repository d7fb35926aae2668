"""What plans have to know of an architecture, read from its file in models/ without starting Keras."""

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

from mer import MerError, classifiers
from mer.features import representations

MODELS = Path(__file__).parents[2] / "models"
CLASSIFIER = "classifier"  # as a pretext task: classifiers on features hear nothing, either


@dataclass(frozen=True)
class Architecture:
    """An architecture of models/, or a classifier on features.

    Attributes
    ----------
    name : str
        As -mod: a file name in models/, or CLASSIFIER_FEATURES.
    reads : str
        Representation.
    pretext : str or None
        None: trained from scratch. "published": others trained it. "classifier": of scikit-learn, on features.
    """

    name: str
    reads: str
    pretext: str | None

    @property
    def classifier(self) -> str:
        """The classifier, as --clf: "mlp" of "mlp_is13"."""
        return self.name.removesuffix(f"_{self.reads}")


def find(name: str) -> Architecture:
    """An architecture by its name, as -mod says it.

    Raises
    ------
    MerError
        There is none, or its file does not say plainly what it reads.
    """
    path = MODELS / f"{name}.py"
    known = sorted(path.stem for path in MODELS.glob("[a-z]*.py"))
    if name in known:
        return Architecture(name, _constant(path, "INPUT"), _constant(path, "PRETEXT"))
    for classifier in (*classifiers.CLASSIFIERS, classifiers.BEST):
        features = name.removeprefix(f"{classifier}_")
        if features != name and features in representations.names():
            return Architecture(name, features, CLASSIFIER)
    near = difflib.get_close_matches(name, known, n=1)
    raise MerError(f"no encoder {name!r} in models/: {f'did you mean {near[0]}?' if near else 'known: '}"
                   f"{'' if near else ', '.join(known)}")


def _constant(path, name):
    """Value of a constant of a module, also where it takes it over from another file of the folder."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and name in (getattr(target, "id", None) for target in node.targets):
            if isinstance(node.value, ast.Constant):
                return node.value.value
            break
        if isinstance(node, ast.ImportFrom) and node.level and node.module and any(
                alias.name == name for alias in node.names):
            return _constant(path.with_name(f"{node.module}.py"), name)
    raise MerError(f"models/{path.name} has no line '{name} = ...' with a plain value, which plans read: give it one")
