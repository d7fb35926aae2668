"""A model file and what it is: a pretrained encoder or a transferred model, of ours, published, converted or exported.

Beside weights of ours, X.weights.h5, and fitted classifiers, X.skops, lies the folder X with run.json, history.csv (of
weights) and the report. run.json is the truth about a run; the name of a file of ours is never parsed. What a published
file is (X.hdf5), its name says (`keras2.describe`); what an exported file is (X.onnx), its metadata say
(`onnx_file.read`).

The folders and names of ours are those of the published release::

    models/speech/<language>/<model>.it_<n>.subset_0.075.spec.best.weights.h5
    models/heard_<music|noise>/<language>/<model>.it_<n>.subset_0.075.spec.best.weights.h5
    models/music/<language>/model_cnn.multitask.spec.it_<n>.lr_0.001.weights.h5
    models/music/<language>/<classifier>_<features>.multitask.it_<n>.skops
    models_trans/speech_<from>_2_music_<to>/<model>.multitask.spec.it_<n>.lr_<0.001|5e-05>.weights.h5
    models_trans/heard_<music|noise>_<from>_2_music_<to>/...
"""

import functools
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mer import MerError, config, corpora, files
from mer.weights import schema

OURS, FITTED, RELEASE, EXPORTED = ".weights.h5", ".skops", ".hdf5", ".onnx"
PUBLISHED = "published"  # PRETEXT of an encoder that others trained and published, see mer.weights.published
_REMEDY = "get a copy of it back, or train this model again with --force"
# What a prediction says of its model, beside origin and file
_FACTS = ("title", "model", "pretext", "speech", "music", "release", "it", "hours", "corpus", "settings", "scores",
          "sha256")
# In file names; the first two are those of the release, whatever learning rate is set
_SET_UPS = {"n": "lr_0.001", "y": "lr_5e-05", "linear": "linear"}
_TITLES = {"model_over": "SCAE", "model_cpc": "CPC", "model_cnn": "CNN"}  # of the release


@dataclass(frozen=True)
class ModelFile:
    """An encoder or a transferred model on disk, or where a run will write one.

    Attributes
    ----------
    path : pathlib.Path
        Ours or converted (.weights.h5), fitted classifiers (.skops), of the release (.hdf5, .h5), or exported (.onnx).
    is_named : bool
        The user named this file; it was not found in the folders of the settings.
    """

    path: Path
    is_named: bool = field(default=False, compare=False)

    @property
    def is_ours(self) -> bool:
        """Whether it has the format of ours: trained here, or converted."""
        return self.path.name.endswith((OURS, FITTED))

    @property
    def is_fitted(self) -> bool:
        """Whether it holds classifiers of scikit-learn instead of weights."""
        return self.path.suffix == FITTED

    @property
    def stem(self) -> str:
        return self.path.name.removesuffix(OURS) if self.path.name.endswith(OURS) else self.path.stem

    def file(self, name: str) -> Path:
        """A file in the folder beside the weights."""
        return self.path.parent / self.stem / name

    @property
    def export_path(self) -> Path:
        """Where its exported file is looked for."""
        return self.path.with_name(self.stem + EXPORTED)

    @property
    def exported(self) -> Path | None:
        """The exported file, where it is there."""
        return self.export_path if self.export_path.is_file() else None

    def exists(self) -> bool:
        """Whether the file is there; of ours, whether its run is finished."""
        return self.path.exists() and (not self.is_ours or self.file("run.json").exists())

    def read(self, *required: str) -> dict[str, Any] | None:
        """As `metadata`, read anew; None where it does not exist.

        Parameters
        ----------
        *required : str
            Keys that run.json must have.

        Raises
        ------
        files.Damaged
            run.json is there and is not what this program writes.
        MerError
            An exported or published file that cannot be read.
        """
        if not self.exists():
            return None
        if self.path.suffix == EXPORTED:
            from mer.weights import onnx_file
            return {"kind": "transfer", "origin": "ours", **onnx_file.read(self.path)}
        if not self.is_ours:
            from mer.weights import keras2  # imports h5py
            return keras2.describe(self.path)
        metadata = files.read_json(self.file("run.json"), schema={**schema.RUN, "required": list(required)},
                                   remedy=_REMEDY)
        # a converted file under a name of its own is a transfer of which nobody knows the music
        return {"origin": "ours", "kind": "transfer" if metadata.get("music") else "pretext", **metadata}

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """What the file is: run.json of ours, otherwise at least kind ("pretext" or "transfer"), model, settings and
        origin ("ours" or "release"); errors as for `read`, and a MerError where nothing says what it is."""
        metadata = self.read("settings")
        if metadata is None:
            raise MerError(f"{self.path} has no readable {self.stem}/run.json beside it, so nothing says what it is: "
                           "copy that folder along with the weights")
        return metadata

    @property
    def facts(self) -> dict[str, Any]:
        """What a prediction says of its model: title, model, speech, music, release, it, hours, settings, scores,
        corpus ("real", "demo", "published"), origin ("ours", "release", "given"), file (name); JSON-able. Where the
        encoder heard no speech corpus: heard, in words. Where clips are no means over patches: pooling
        (`Task.pooled`). Of a calibrated model: certainty."""
        known = {name: self.metadata.get(name) for name in _FACTS}
        source = self.metadata.get("heard_from")  # of one that was trained here; of others it is said in words
        heard = (source["kind"] != "speech" and source["name"]) if source else (
            self.metadata.get("heard") or (self.metadata.get("encoder") or {}).get("heard"))
        known |= {"heard": heard} if heard else {}
        vote = self.metadata.get("vote")
        known |= {"pooling": vote["pooling"]} if vote else {}
        known |= {"certainty": self.metadata["certainty"]} if "certainty" in self.metadata else {}
        known["title"] = known["title"] or _TITLES.get(str(known["model"]), known["model"])
        return {**known, "origin": "given" if self.is_named else self.metadata["origin"], "file": self.path.name}

    @property
    def origin(self) -> str:
        """"ours", "published" (an encoder of others), "release", or "release, converted"."""
        if self.metadata["origin"] != "release":
            return PUBLISHED if self.metadata["origin"] == PUBLISHED else "ours"
        return "release, converted" if self.is_ours else "release"

    @property
    def key(self) -> str:
        """Hash of the file; of the original where it was converted, which makes no difference to what comes of it."""
        original = self.metadata.get("source") if self.origin != "ours" else None
        return (original["sha256"] if original else files.sha256(self.path))[:16]

    @property
    def heard_from(self) -> dict[str, Any]:
        """What an encoder heard, or a transfer started from: kind ("speech", "music", "noise"), code, name of a corpus.

        Where no corpus is recorded, as for an encoder of others, code and name are None.
        """
        unnamed = {"kind": "speech", "code": self.metadata.get("speech"), "name": None}
        return self.metadata.get("heard_from") or unnamed

    @property
    def encoder_facts(self) -> dict[str, Any]:
        """What the run.json of a transfer says of the encoder it started from."""
        known = {name: self.metadata.get(name) for name in ("it", "scores", "settings", "hours", "hours_heard")}
        known |= {"heard": self.metadata["heard"]} if self.origin == PUBLISHED else {}
        return {**known, "run": self.stem, "file": self.path.name, "origin": self.origin, "sha256": self.key,
                "backend": self.metadata.get("versions", {}).get("backend")}

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
        recorded = self.metadata.get("hours")
        if recorded is None and (self.origin != "ours" or "hours" not in self.metadata):
            return wanted
        if wanted not in (None, recorded):
            heard = "all hours" if recorded is None else f"{recorded:g} h"
            said = f"--hours says {wanted:g}" if wanted else "--random asks for one that heard none"
            raise MerError(f"{self.path} was pretrained on {heard} of speech, and {said}: leave that out, or name "
                           "another encoder")
        return recorded

    def load(self, model: Any) -> None:
        """Put the weights into a built keras.Model; MerError where they are damaged or do not fit."""
        from mer.weights import keras2, keras3
        if self.is_ours:
            self._check(self.read() or {})
        (keras3.load if self.is_ours else keras2.load)(model, self.path)

    def pipelines(self) -> dict[str, Any]:
        """Task -> fitted sklearn.pipeline.Pipeline of a file that `is_fitted`; MerError as for `stored.read`."""
        from mer.classifiers import stored  # numpy starts here
        self._check(self.read() or {})
        return stored.read(self.path)

    def _check(self, metadata: dict[str, Any]) -> None:
        """Raise Damaged where the weights are not those that run.json describes; that of earlier runs names no hash."""
        if metadata.get("weights_sha256", "") not in ("", files.sha256(self.path)):
            raise files.Damaged(f"{self.path} is damaged: its content is not what {self.stem}/run.json says: {_REMEDY}")

    def locked(self, doing: str) -> AbstractContextManager[None]:
        """The lock of this run: a second process waits, and then finds what the first one made."""
        return files.lock(self.path.parent / self.stem, doing=f"{doing} {self.stem}")

    def is_finished(self, key: str, settings: dict[str, Any], *, force: bool) -> bool:
        """Whether the run is there already, made with the same data and settings; `force` says no and starts over.

        Call it where the run is `locked`. What a killed process left half written is removed.

        Raises
        ------
        MerError
            It was made with others, or it is damaged, and `force` is off: nothing finished is replaced silently.
        """
        for path in (self.path, *(self.file(name) for name in ("run.json", "history.csv"))):
            files.remove_leftovers(path)
        if force:
            shutil.rmtree(self.file("state"), ignore_errors=True)
            return False
        metadata = self.read("key", "settings")
        if metadata is None:
            return False
        if metadata["key"] == key:
            self._check(metadata)
            return True
        differ = [f"{name} {metadata['settings'].get(name)!r}, now {value!r}" for name, value in settings.items()
                  if metadata["settings"].get(name) != value]
        raise MerError(f"{self.path.name} in {self.path.parent} was made with other "
                       f"{'settings (' + '; '.join(differ) + ')' if differ else 'data, split or encoder'}: "
                       "add --force to replace it, or name another folder in settings.py")

    def begin_saving(self) -> None:
        """Take back that the run is finished: a kill must leave no run.json of before over new weights."""
        self.file("run.json").unlink(missing_ok=True)


def speech_run(cfg: config.Config, language: str, model: str, it: int, *, hours: float | None = None,
               kind: str = "speech") -> ModelFile:
    """Run of an encoder pretrained on speech in `language` (english, mandarin, mix); `hours` as in `transfer_run`.

    `kind` may also be "music" or "noise", of which `language` is the one of the corpus.
    """
    return ModelFile(cfg.models_dir / _heard(kind) / f"{corpora.hours_prefix(hours)}{language}"
                     / f"{model}.it_{it}.subset_0.075.spec.best{OURS}")


def _heard(kind):
    """In names of folders; models/music has what was trained on music from scratch."""
    return kind if kind == "speech" else f"heard_{kind}"


def published_encoder(cfg: config.Config, model: str) -> ModelFile:
    """An encoder that others published, see `mer.weights.published`; the demo corpus has the same ones."""
    return ModelFile(cfg.resolve(cfg.path_to_models) / PUBLISHED / f"{model}{OURS}")


def music_run(cfg: config.Config, language: str, model: str, it: int, *, fold: str = "") -> ModelFile:
    """Run of a model trained on music from scratch; `fold` is as in `transfer_run`."""
    return ModelFile(cfg.models_dir / "music" / language / f"{model}.multitask.spec.it_{it}.{fold}lr_0.001{OURS}")


def fitted_run(cfg: config.Config, language: str, name: str, it: int, *, fold: str = "") -> ModelFile:
    """Run of classifiers on features of music; `name` is "mlp_is13" or the like, `fold` as in `transfer_run`."""
    return ModelFile(cfg.models_dir / "music" / language / f"{name}.multitask.{fold}it_{it}{FITTED}")


def transfer_run(cfg: config.Config, source: Any, music: Any, model: str, release: str, it: int, *,
                 hours: float | None = None, fold: str = "") -> ModelFile:
    """Run of a transfer.

    Parameters
    ----------
    source, music : module
        Of `mer.corpora`: what the encoder heard (None: it is a published one), and the music of the transfer.
    model, release, it
        Architecture, "n" or "y", number of the run.
    hours : float or None
        Hours of it that the encoder heard; None: all; 0: none, it has random weights.
    fold : str
        Of a cross-validation: "fold_1of5." for one fold, "folds_5." for all together.
    """
    heard = f"{corpora.hours_prefix(hours)}{_heard(source.KIND)}_{source.ABBR}" if source else PUBLISHED
    folder = f"{heard}_2_music_{music.ABBR}"
    return ModelFile(cfg.models_trans_dir / folder
                     / f"{model}.multitask.spec.it_{it}.{fold}{_SET_UPS[release]}{OURS}")
