"""What a run.json says of how its run came about: command, settings, versions, revision."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy", "scipy", "librosa", "h5py", "scikit-learn", "soundfile",
              "soxr", "onnxruntime", "skops", "opensmile", "essentia")


def describe(cfg, *, settings, **facts):
    """Content of run.json.

    Parameters
    ----------
    cfg : Config
    settings : dict
        The settings that the result depends on.
    **facts
        Names, seed, key (see `files.key_of`), scores, best epochs.
    """
    versions = {"python": platform.python_version()}
    if "keras" in sys.modules:
        versions["backend"] = sys.modules["keras"].backend.backend()
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    try:  # + where files differ from the revision of git; None outside git
        revision = subprocess.run(["git", "-C", str(cfg.root), "describe", "--always", "--dirty=+", "--abbrev=12"],
                                  capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        revision = None
    return {**facts, "settings": settings, "command": ["python3", Path(sys.argv[0]).name, *sys.argv[1:]],
            "setting_sources": {name: cfg.sources[name] for name in settings if name in cfg.sources},
            "corpus": "demo" if cfg.is_demo else "real", "revision": revision, "versions": versions,
            "created": datetime.now(UTC).isoformat(timespec="seconds")}
