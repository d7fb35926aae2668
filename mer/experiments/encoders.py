"""The encoders that are compared: those that the flags name, what became of them on music, and random ones."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mer import MerError, corpora, files, heads
from mer.config import Config
from mer.features import chunks
from mer.features.chunks import Chunks
from mer.tasks import named
from mer.training import loop
from mer.weights import catalogue, model_file
from mer.weights.model_file import ModelFile

TRAINED, TRANSFERRED, RANDOM = "trained", "transferred", "random"


@dataclass(frozen=True)
class Encoder:
    """One encoder, not loaded yet.

    Attributes
    ----------
    title : str
        Unlike those of the others: "Masked, English speech, run 0".
    kind : {"trained", "transferred", "random"}
    module : module
        Of `models/`.
    reads : Chunks
    file : ModelFile
        Where its weights are; of random weights: the trained encoder from which the standardization is taken.
    seed : int or None
        Of random weights.
    """

    title: str
    kind: str
    module: ModuleType
    reads: Chunks
    file: ModelFile
    seed: int | None = None

    @property
    def name(self) -> str:
        """Architecture."""
        return self.module.__name__.rpartition(".")[2]

    @property
    def key(self) -> str:
        """Hash of its weights, or of what they are drawn from."""
        return self.file.key if self.seed is None else files.key_of("random", self.name, self.seed, self.file.key)

    def has_learnt_labels_of(self, music: str) -> bool:
        """Whether it was trained on the labels of this music."""
        learnt = str(self.file.metadata.get("music")).replace("+", ",").split(",") if self.kind == TRANSFERRED else []
        return music in learnt or "x" in learnt

    def open(self, cfg: Config) -> Any:
        """The network, chunk -> code, with its weights.

        Random weights are those that training starts from with the same seed, behind the standardization of the
        encoder in `file`, which was set and not trained.
        """
        loop.begin(cfg, seed=cfg.seed if self.seed is None else self.seed)
        network = self.module.build(self.reads.shape)
        encoder = self.module.encoder(network)
        if self.kind == TRANSFERRED:
            tasks = named(self.file.metadata.get("tasks"), self.file.path)
            self.file.load(heads.attach(encoder, tasks, self.module))
        elif self.kind == RANDOM:
            drawn = [layer.get_weights() for layer in encoder.layers]
            self.file.load(network)
            for layer, weights in zip(encoder.layers, drawn, strict=True):
                if layer.trainable_weights:
                    layer.set_weights(weights)
        else:
            self.file.load(network)
        return encoder


def wanted(cfg: Config, *, models: Sequence[str], speech: Sequence[str], paths: Sequence[str], music: str, runs: int,
           n_random: int, load_module: Callable[[str], ModuleType]) -> list[Encoder]:
    """The encoders that the flags name, each with its Full model on this music where there is one.

    Parameters
    ----------
    cfg : Config
    models, speech : sequence of str
        Architectures, and codes of the speech that each was pretrained on; one that others published heard none.
    paths : sequence of str
        Weights of further encoders or transferred models.
    music : str
        Code of the music that is heard.
    runs : int
        Of each, from it_0 on.
    n_random : int
        Encoders with random weights of each architecture.
    load_module : callable
        Name -> module of `models/`.

    Returns
    -------
    list of Encoder
        Random ones last.

    Raises
    ------
    MerError
        One is missing, an architecture has no pretrained encoder, or there is none at all.
    """
    found = []
    for name in models:
        module = load_module(name)
        reads = chunks.of_encoder(module, cfg.values)
        if module.PRETEXT is None:
            raise MerError(f"{name} is trained from scratch, so it has no pretrained encoder: leave it out of -mod, or "
                           "name the weights of a trained one with --weights")
        if module.PRETEXT == model_file.PUBLISHED:
            file = catalogue.encoder(cfg, speech=None, model=name, settings=reads.settings)
            found.append(Encoder("", TRAINED, module, reads, file))
            continue
        if not speech:
            raise MerError(f"-mod {name} came without -s: name the speech that it was pretrained on, such as -s e,m")
        for code in speech:
            for it in range(runs):
                file = catalogue.encoder(cfg, speech=code, model=name, settings=reads.settings, it=it)
                found.append(Encoder("", TRAINED, module, reads, file))
    found += [_of_path(cfg, path, load_module) for path in paths]
    unique = list({one.key: one for one in found}.values())
    if not unique:
        raise MerError("no encoder came: name architectures with -mod and the speech that they heard with -s, or files "
                       "with --weights")
    full = [each for one in unique for each in _full(cfg, one, music)]
    unique = _told_apart([_named(one) for one in {one.key: one for one in [*unique, *full]}.values()])
    first = {one.name: one for one in reversed(unique) if one.kind == TRAINED}
    return unique + [replace(one, title=f"{one.module.TITLE}, random weights {number}", kind=RANDOM,
                             seed=cfg.seed + number)
                     for one in reversed(first.values()) for number in range(n_random)]


def _named(one):
    """The same encoder with its title."""
    known, source, title = one.file.metadata, one.file.heard_from, one.module.TITLE
    if source["code"]:
        corpus = corpora.get(source["kind"], source["code"])
        hours = "" if known.get("hours") is None else f" ({known['hours']:g} h)"
        heard = corpus.NAME if corpus.KIND == "music" else f"{corpus.LANGUAGE.capitalize()} {corpus.KIND}"
        title += f", {heard}{hours}"
    elif one.module.PRETEXT == model_file.PUBLISHED:
        title += f", {known.get('heard') or (known.get('encoder') or {}).get('heard')}"
    title += f", run {known['it']}" if known.get("it") is not None else ""
    if one.kind == TRANSFERRED:
        title += f" -> {known.get('tested_on') or _music(known)}"
        title += {"y": ", Full", "n": ", Feat. Ext."}.get(known.get("release"), "")
        title += f", fold {known['fold'][0]}" if known.get("fold") else ""
    return replace(one, title=title)


def _music(known):
    codes = str(known.get("music")).split(",")
    return ", then ".join(corpora.get("music", code).NAME if code in corpora.codes("music") else code
                          for code in codes)


def _told_apart(found):
    """Encoders with the same title get the path of their file, too."""
    counted = Counter(one.title for one in found)
    return [one if counted[one.title] == 1 else
            replace(one, title=f"{one.title} ({one.file.path.parent.name}/{one.file.stem})") for one in found]


def _of_path(cfg, path, load_module):
    """The encoder in a file, or below the heads of a transferred model."""
    file = ModelFile(Path(path).expanduser(), is_named=True)
    if not file.path.is_file() or file.path.suffix not in (".h5", ".hdf5"):
        raise MerError(f"--weights {file.path} {'is no' if file.path.exists() else 'does not exist: name a'} weight "
                       "file of an encoder or of a transferred model (.weights.h5 or .hdf5)")
    known = file.metadata
    module = load_module(known.get("model") or known.get("name"))
    reads = chunks.of_encoder(module, cfg.values)
    if known["kind"] == "transfer":
        return Encoder("", TRANSFERRED, module, reads, file)
    source = file.heard_from
    catalogue.encoder(cfg, speech=source["code"], kind=source["kind"], model=module.__name__.rpartition(".")[2],
                      settings=reads.settings, path=file.path)  # refuses other features
    return Encoder("", TRAINED, module, reads, file)


def _full(cfg, one, music):
    """What became of an encoder when everything was trained on this music, where such a run is finished."""
    known, source = one.file.metadata, one.file.heard_from
    published = one.module.PRETEXT == model_file.PUBLISHED
    if one.kind != TRAINED or not (published or source["code"]):
        return
    heard = None if published else corpora.get(source["kind"], source["code"])
    run = model_file.transfer_run(cfg, heard, corpora.get("music", music), one.name, "y", known.get("it") or 0,
                                  hours=known.get("hours"))
    if run.exists() and (run.metadata.get("encoder") or {}).get("sha256") == one.key:
        yield Encoder("", TRANSFERRED, one.module, one.reads, run)


def before(one: Encoder, others: Sequence[Encoder]) -> Encoder | None:
    """The encoder that a transferred model started from, where it is among `others`."""
    started = (one.file.metadata.get("encoder") or {}).get("sha256") if one.kind == TRANSFERRED else None
    return next((other for other in others if other.kind == TRAINED and other.key == started), None)


def moved(one: Any, other: Any) -> list[dict[str, Any]]:
    """How far weights are apart, layer by layer.

    Parameters
    ----------
    one, other : keras.Model
        Of one architecture; `other` is where the way began.

    Returns
    -------
    list of dict
        layer; weights, how many; distance, the Euclidean length of the difference over that of the weights of
        `other`, of the trained weights of the layer together.
    """
    rows = []
    for now, then in zip(one.layers, other.layers, strict=True):
        if then.trainable_weights:
            now_at, then_at = (np.concatenate([np.ravel(np.asarray(each, np.float64)) for each in
                                               layer.trainable_weights]) for layer in (now, then))
            rows.append({"layer": then.name, "weights": then_at.size, "distance": float(
                np.linalg.norm(now_at - then_at) / max(np.linalg.norm(then_at), np.finfo(float).tiny))})
    return rows
