"""Encoders to start a transfer from: runs of ours, files of the published release, any file that is named.

The release is unpacked into the folders that our own runs use, under the same names, so its files stand beside ours:
`X.hdf5` of Keras 2 beside `X.weights.h5` with the folder `X`. Ours win.
"""

from dataclasses import dataclass
from pathlib import Path

from mer import MerError
from mer.weights import keras2, run_files


@dataclass(frozen=True)
class Pretrained:
    """A pretrained encoder on disk.

    Attributes
    ----------
    weights : pathlib.Path
        The file.
    stem : str
        Its name without suffix.
    about : dict
        run.json of ours, or `legacy.about` of the release.
    """

    weights: Path
    stem: str
    about: dict

    @property
    def origin(self):
        """"ours", "release", or "release, converted"."""
        if self.about.get("origin") != keras2.ORIGIN:
            return "ours"
        return "release, converted" if self.weights.name.endswith(run_files.SUFFIX) else "release"

    @property
    def key(self):
        """Hash of the file; of the original where it was converted, which makes no difference to what comes of it."""
        original = self.about.get("source") if self.about.get("origin") == keras2.ORIGIN else None
        return original["sha256"][:16] if original else run_files.file_key(self.weights)

    @property
    def facts(self):
        """What the run.json of a transfer says of the encoder it started from."""
        return {"run": self.stem, "file": self.weights.name, "origin": self.origin, "it": self.about["it"],
                "sha256": self.key, "scores": self.about.get("scores"), "settings": self.about.get("settings"),
                "hours": self.about.get("hours"), "hours_heard": self.about.get("hours_heard"),
                "backend": self.about.get("versions", {}).get("backend")}

    def hours(self, wanted: float | None) -> float | None:
        """Hours of speech that this encoder was pretrained on, as generate_dataset.py --hours chose them; None: all.

        Parameters
        ----------
        wanted : float or None
            What the command says; taken where nothing is recorded, as for a file of the release in another folder.

        Raises
        ------
        MerError
            Other hours are recorded than are wanted.
        """
        recorded = self.about.get("hours")
        if recorded is None and (self.origin != "ours" or "hours" not in self.about):
            return wanted
        if wanted not in (None, recorded):
            heard = "all hours" if recorded is None else f"{recorded:g} h"
            raise MerError(f"{self.weights} was pretrained on {heard} of speech, and --hours says {wanted:g}: leave "
                           "--hours out, or name another encoder")
        return recorded

    def load(self, model):
        """Put the weights into a built pretext model; MerError where they do not fit."""
        reader = run_files.load if self.weights.name.endswith(run_files.SUFFIX) else keras2.load
        reader(model, self.weights)


def find(cfg, runs):
    """The first of these runs that is there: any of ours before any of the release.

    Parameters
    ----------
    cfg : Config
    runs : sequence of weights.Run
        Places, best first.

    Returns
    -------
    Pretrained or None

    Raises
    ------
    MerError
        It was made with other features than are set now.
    """
    told = ((run, run.told("it", "settings")) for run in runs)
    found = next((Pretrained(run.weights, run.stem, about) for run, about in told if about), None)
    if not found:
        # with the demo corpus in use our runs are below demo/; the release is unpacked into the repository
        unpacked = cfg.resolve(cfg.path_to_models)
        paths = [folder / run.folder.relative_to(cfg.models_dir) / f"{run.stem}.hdf5"
                 for run in runs for folder in dict.fromkeys((cfg.models_dir, unpacked))]
        path = next((path for path in paths if path.exists()), None)
        found = path and Pretrained(path, path.name.removesuffix(path.suffix), keras2.about(path))
    if found:
        _refuse_other_features(cfg, found)
    return found


def named(cfg, path, *, model, speech):
    """The encoder in a file that the user named.

    Parameters
    ----------
    cfg : Config
    path : path
        Ours or converted (`.weights.h5` with its run.json), or of the release (`.hdf5`).
    model : str
        Architecture that is wanted.
    speech : str
        Code of the speech corpus that is wanted.

    Returns
    -------
    Pretrained

    Raises
    ------
    MerError
        It is not there, a transferred model, or of another architecture, language or features.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise MerError(f"--weights {path} is no file: name the weights of a pretrained encoder (.weights.h5 or .hdf5)")
    is_ours = path.name.endswith(run_files.SUFFIX)
    about = run_files.told_of(path, "it", "settings") if is_ours else keras2.about(path)
    found = Pretrained(path, path.name.removesuffix(run_files.SUFFIX).removesuffix(path.suffix), about)
    _refuse_other(found, model=model, speech=speech)
    _refuse_other_features(cfg, found)
    return found


def _refuse_other(found, *, model, speech):
    about, path = found.about, found.weights
    held = about.get("name", about.get("model"))
    if about.get("music") or about.get("kind") == "transfer":
        raise MerError(f"{path} is a transferred model: --weights wants a pretrained encoder, from which a transfer "
                       "starts")
    if held != model:
        raise MerError(f"{path} holds {held}, and -mod says {model}: name a file of {model}, or -mod {held}")
    if about.get("speech") not in (None, speech):
        raise MerError(f"{path} was pretrained on speech {about['speech']!r}, and -s says {speech!r}: "
                       f"use -s {about['speech']}, so that the result is not filed under the wrong language")


def _refuse_other_features(cfg, found):
    differ = [f"{name} {found.about['settings'][name]}, now {cfg.values[name]}" for name in keras2.SETTINGS
              if found.about["settings"].get(name, cfg.values[name]) != cfg.values[name]]
    if differ:
        raise MerError(f"{found.weights} was made with other features ({'; '.join(differ)}): set these as they were")
