"""The package: what it holds and needs, whether it can be built and used elsewhere, and what the scripts say of it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT
from test_layout import SCRIPTS

import mer

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = ("predict", "app", "export", "features", "cluster", "demo", "test")
RESULTS = {"features", "demo", "results", "build", "dist"}  # at the top; they may be large


def requirements(name):
    """Lines of a requirements file without comments."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.partition("#")[0].strip() for line in lines} - {""}


def not_source(folder, names):
    """Names that the copy of the repository leaves out."""
    at_top = Path(folder) == ROOT
    return {name for name in names if name.startswith(".") or name.endswith((".egg-info", "__pycache__"))
            or (at_top and name in RESULTS)
            or (Path(folder).name in ("models", "models_trans") and Path(folder, name).is_dir())}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the repository without asking the network for anything."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT, folder / "copy", ignore=not_source)
    done = subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist"],
                          cwd=folder / "copy", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list((folder / "dist").glob(f"*-{mer.__version__}.tar.gz"))
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def needs(wheel):
    """Extra ("" for none) to the requirements that the wheel names."""
    found = {"": set(), **{name: set() for name in EXTRAS}}
    with zipfile.ZipFile(wheel) as file:
        name = next(name for name in file.namelist() if name.endswith("/METADATA"))
        metadata = file.read(name).decode()
    for wanted in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE):
        requirement, _, marker = wanted.partition(";")
        found[re.sub(r".*extra == ['\"](\w+)['\"].*", r"\1", marker)].add(requirement.strip())
    return found


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_wheel_needs_what_the_requirements_file_lists(needs, extra):
    listed = requirements(f"requirements{'-' * bool(extra)}{extra}.txt")
    assert needs[extra] == {line.partition(";")[0].strip() for line in listed}  # the marker stands beside the extra


def test_prediction_alone_has_the_versions_of_the_whole():
    assert requirements("requirements-predict.txt") <= requirements("requirements.txt")
    files = {path.name for path in ROOT.glob("requirements*.txt")} - {"requirements-demo-nodeps.txt"}
    assert files == {"requirements.txt", *(f"requirements-{extra}.txt" for extra in EXTRAS)}


def test_requirements_name_exact_versions():
    for name in ("requirements.txt", "requirements-test.txt"):
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in requirements(name)), name


def test_the_wheel_holds_everything_and_only_its_own_names(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"mer", f"language_sensitive_mer-{mer.__version__}.dist-info"}
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mer").rglob("*")
            if path.is_file() and path.suffix != ".pyc"}
    shipped = {"settings.py", *(f"models/{path.name}" for path in (ROOT / "models").glob("*.py"))}
    assert {name for name in names if name.startswith("mer/")} == here | {f"mer/shipped/{name}" for name in shipped}


def test_an_installed_wheel_finds_its_settings_and_architectures(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "settings.py").write_text("raise SystemExit('the settings of somebody else')")
    code = ("import mer, mer.shipped.models as models, mer.shipped.settings as settings\n"
            "print(mer.__file__, settings.__file__, *models.names())\n"
            "assert models.load('model_cnn', pretexts=[None]).PRETEXT is None\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 0, done.stderr
    package, settings, *names = done.stdout.split()
    assert package.startswith(str(tmp_path / "site")) and settings.startswith(str(tmp_path / "site" / "mer"))
    assert names == sorted(path.stem for path in (ROOT / "models").glob("[a-z]*.py"))


def test_in_the_repository_the_folders_at_the_top_are_used():
    from mer.shipped import models, settings
    assert settings.__file__ == str(ROOT / "settings.py") and models.__path__ == [str(ROOT / "models")]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_tells_its_version_at_once(name):
    before = os.times()  # of the processor: others may be busy with it
    done = subprocess.run([sys.executable, f"{name}.py", "--version"], cwd=ROOT, capture_output=True, text=True)
    after = os.times()
    assert (done.returncode, done.stdout) == (0, f"{name}.py of mer {mer.__version__}\n")
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert seconds < 0.3


def test_the_citation_names_this_version_and_the_paper():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {mer.__version__}\n" in text and "doi: 10.1109/ICASSP39728.2021.9413721" in text
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "10.1109/ICASSP39728.2021.9413721" in readme
    assert re.search(r'title: "(.*)"', text).group(1) in readme


def test_the_docs_name_this_wheel():
    install = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert f"language_sensitive_mer-{mer.__version__}-py3-none-any.whl" in install


def test_the_pythons_are_the_same_everywhere():
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "tools" / "environment.sh").read_text()
    assert PROJECT["tool"]["ruff"]["target-version"] == "py311"
