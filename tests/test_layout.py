"""The rules of the tree, read from the sources: which way imports point, how long things may be."""

import ast
import re
import sys

import pytest
from conftest import ROOT

SCRIPTS = ("generate_dataset", "pretrain_denoise", "pretrain_cpc", "pretrain_contrast", "trans_train_denoise_multi",
           "trans_train_cpc_multi", "pretrain", "trans_train", "report", "make_demo_corpus", "corpora", "agreement",
           "convert_weights", "quad_pred", "export", "app", "train_sincnet", "train_mlp", "compare_features",
           "run_experiments", "compare_encoders")
# A package or module of `mer` imports only from lower ranks, or from its own package.
RANKS = {name: rank for rank, names in enumerate((
    "text tasks progress limits layers recipes shipped",  # 0
    "files config tables",  # 1
    "hdf5_read hdf5_write cli heads features evaluation",  # 2
    "corpora classifiers",  # 3
    "weights",  # 4
    "agreement data prediction",  # 5
    "training inventory",  # 6
    "experiments",  # 7
    "interface",  # 8
)) for name in names.split()}
MODULES = sorted((ROOT / "mer").rglob("*.py"))
SOURCES = [ROOT / f"{name}.py" for name in SCRIPTS] + MODULES + sorted((ROOT / "models").glob("*.py"))


def imports(path):
    """Absolute names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names), f"{path}: import *"
            source = "." if node.level else f"{node.module}."  # ".name" is of the same folder
            yield from (f"{source}{alias.name}" for alias in node.names)


def part(path):
    """Name in RANKS of a file in mer/."""
    return path.relative_to(ROOT / "mer").parts[0].removesuffix(".py")


def test_every_module_has_a_rank():
    assert {part(path) for path in MODULES} - {"__init__"} == set(RANKS)


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) != "__init__"], ids=lambda path: path.name)
def test_imports_of_the_core_point_downwards(path):
    mine = part(path)
    for name in imports(path):
        first, *rest = name.split(".")
        assert first not in ("settings", "models", "tensorflow", *SCRIPTS), f"{path.name} imports {name}"
        if first == "mer" and rest and rest[0] in RANKS and rest[0] != mine:
            assert RANKS[rest[0]] < RANKS[mine], f"{path.name} imports {name}"


def test_architectures_see_only_keras_the_lowest_rank_and_each_other():
    allowed = {"keras", "mer", "numpy", *sys.stdlib_module_names}
    for path in sorted(set((ROOT / "models").glob("*.py")) - {ROOT / "models" / "__init__.py"}):
        for name in imports(path):
            assert name.startswith(".") or name.split(".")[0] in allowed, f"{path.name} imports {name}"
            if name.startswith("mer."):
                assert RANKS[name.split(".")[1]] == 0, f"{path.name} imports {name}"


@pytest.mark.parametrize("folder", ["tests", "demo_corpus", "benchmarks", "tools"])
def test_no_file_beside_the_sources_is_longer_than_a_module(folder):
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert [f"{name} has {length} lines" for name, length in lengths.items() if length > 300] == []


def test_the_demo_corpus_stays_small():
    sources = (ROOT / "demo_corpus").glob("*.py")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources) <= 1500


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_lengths(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) < (80 if path.parent == ROOT else 301), f"{path.name} has {len(lines)} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 60, f"{path.name}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_public_functions_and_modules_are_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    if path.parent == ROOT:
        return
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"


# Whose public functions have type hints, which mypy checks (.ci/run)
TYPED = ("__init__.py", "interface.py", "config.py", "files.py", "limits.py", "progress.py", "tasks.py", "text.py",
         "features/*.py", "features/representations/*.py", "evaluation/*.py", "prediction/predict.py",
         "weights/catalogue.py", "weights/engines.py", "weights/fitted.py", "classifiers/*.py")


def public_functions(body):
    """Functions and methods of a module that another one may call."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", sorted(path for pattern in TYPED for path in (ROOT / "mer").glob(pattern)),
                         ids=lambda path: path.name)
def test_public_functions_have_type_hints(path):
    for function in public_functions(ast.parse(path.read_text(encoding="utf-8")).body):
        given = function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        bare = [each.arg for each in every if each.annotation is None and each.arg not in ("self", "cls")]
        assert function.returns and not bare, f"{path.name}: {function.name} lacks hints: {bare or 'what it returns'}"


def test_nothing_loads_code():
    forbidden = re.compile(r"allow_pickle *= *True|pickle\.load|joblib\.load|safe_mode *= *False|\beval\(|\bexec\(")
    for path in SOURCES:
        assert not forbidden.search(path.read_text(encoding="utf-8")), path.name
