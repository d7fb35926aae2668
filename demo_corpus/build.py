"""Make the whole corpus: what is missing is made on all cores, what is there is kept."""

import importlib.util
import shutil
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path

from demo_corpus import VERSION, layout
from mer import MerError, files

_NEEDED = {"pip install -r requirements.txt": ("soundfile", "soxr", "joblib", "tqdm"),
           "pip install -r requirements-demo.txt": ("espeakng_loader",),
           "pip install --no-deps -r requirements-demo-nodeps.txt": ("tinysoundfont", "pretty_midi")}
_RECORDED_PACKAGES = ("espeakng-loader", "tinysoundfont", "pretty_midi", "numpy", "scipy", "soundfile", "soxr")
_LANGUAGES = ("english", "mandarin")
_MANIFEST = "manifest.json"
_SCHEMA = {"type": "object", "required": ["settings"], "properties": {
    "settings": {"type": "object", "required": ["version"]},
    "bytes": {"type": "object", "additionalProperties": {"type": "integer"}}}}


def make(out, *, seed=1, clips_per_quadrant=12, minutes_speech=3.5, force=False, jobs=-1):
    """Make the demo corpus, or what is missing of it, in the folder `out`.

    The same seed gives the same files. Clips and minutes (about) are for each language; `force` throws away a demo
    corpus that is there; `jobs` is the number of processes, -1 for all cores. Returns whether anything had to be made.
    A MerError says that a package is missing, a value makes no sense, the folder holds anything else or a worker died.
    """
    root = Path(out).resolve()
    if seed < 0 or clips_per_quadrant < 1 or not 0 < minutes_speech <= 600:
        raise MerError(f"seed {seed}, {clips_per_quadrant} clips per quadrant and {minutes_speech} minutes of speech "
                       "were asked for; give a seed from 0 up, at least 1 clip and 0 to 600 minutes.")
    settings = {"version": VERSION, "seed": seed, "clips_per_quadrant": clips_per_quadrant,
                "minutes_speech": float(minutes_speech)}
    recorded = _open_folder(root)
    damaged = [root / name for name, size in recorded.get("bytes", {}).items()
               if not (root / name).is_file() or (root / name).stat().st_size != size]
    if not force:
        found = recorded.get("settings", settings)
        differing = [f"{key} {found.get(key)} instead of {value}" for key, value in settings.items()
                     if found.get(key) != value]
        if differing:
            raise MerError(f"{root} holds a demo corpus with {', '.join(differing)}; give --force to replace it or "
                           "--out for another folder.")
        if recorded.get("bytes") and not damaged:
            return False
    _check_packages()
    with files.lock(root, doing="making the demo corpus"):
        if force:
            _clear(root)
        for path in (*damaged, *root.rglob(".*.part")):
            path.unlink(missing_ok=True)
        _make_missing(root, settings, jobs)
    return True


def _check_packages():
    """Name the pip command for the first package that is missing."""
    for command, packages in _NEEDED.items():
        for package in packages:
            if importlib.util.find_spec(package) is None:
                raise MerError(f"the demo corpus needs the package {package}, which is not installed; run `{command}`.")


def _open_folder(root):
    """Content of the manifest, empty where nothing is there yet."""
    path = root / _MANIFEST
    if path.exists():
        return files.read_json(path, schema=_SCHEMA, remedy="it is not the manifest of a demo corpus; delete that "
                               "folder or give another with --out")
    if root.exists() and any(not entry.name.endswith(".part") for entry in root.iterdir()):
        raise MerError(f"{root} is not empty and holds no demo corpus; give another folder with --out.")
    return {}


def _clear(root):
    """Throw away a demo corpus, but no folder that does not say it is one."""
    for tree in layout.TREES.values():
        if layout.is_synthetic(root / tree):
            shutil.rmtree(root / tree)
    for path in [*root.glob(layout.SCORES.format("*")), root / _MANIFEST]:
        path.unlink(missing_ok=True)


def _make_missing(root, settings, jobs):
    """Plan everything, make the files that are missing, write the tables, record the sizes."""
    from demo_corpus import plan, speech

    seed = settings["seed"]
    files.write_json(root / _MANIFEST, {"settings": settings})
    layout.write_readmes(root, seed=seed, version=VERSION)  # first: --force removes only what says it is synthetic
    spoken = [u for language in _LANGUAGES for u in speech.utterances(language, settings["minutes_speech"], seed)]
    played = [plan.clips(language, settings["clips_per_quadrant"], seed) for language in _LANGUAGES]
    _run(_batches(root, [clip for clips in played for clip in clips], spoken), jobs)
    layout.write_speech_tables(root, spoken)
    for clips in played:
        layout.write_music_tables(root, clips)
    made = [path for tree in layout.TREES.values() for path in (root / tree).rglob("*") if path.is_file()]
    sizes = {path.relative_to(root).as_posix(): path.stat().st_size
             for path in [*made, *root.glob(layout.SCORES.format("*"))]}
    files.write_json(root / _MANIFEST, {"settings": settings, "bytes": sizes,
                                        "packages": {name: version(name) for name in _RECORDED_PACKAGES}})


def _batches(root, played, spoken):
    """Pairs of (function, item, path) for the clips and utterances whose files are missing."""
    paths = [layout.clip_path(clip) for clip in played] + [layout.utterance_path(said) for said in spoken]
    work = [(_make, item, root / path) for item, path in zip([*played, *spoken], paths, strict=True)
            if not (root / path).exists()]
    return [work[i:i + 2] for i in range(0, len(work), 2)]


def _run(batches, jobs):
    """Make all batches in worker processes, under a bar that counts files.

    A worker that dies (a crash inside espeak-ng, say) ends the run with a sentence; finished files stay.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    with tqdm(total=sum(map(len, batches)), unit="file", desc="demo corpus", disable=not batches) as bar:
        try:
            for n_made in Parallel(n_jobs=jobs, return_as="generator_unordered")(map(delayed(_make_batch), batches)):
                bar.update(n_made)
        except BrokenProcessPool:
            raise MerError(f"a worker died after {bar.n} of {bar.total} files, by a crash of a synthesiser or for lack "
                           "of memory; run this again to go on with the rest, with --jobs 1 if it happens again."
                           ) from None


def _make_batch(batch):
    """Make a few files one after the other; returns how many."""
    for function, item, path in batch:
        function(item, path)
    return len(batch)


def _make(item, path):
    """Synthesise and write one utterance or music clip."""
    from demo_corpus import render, speech

    if isinstance(item, speech.Utterance):
        layout.write_sound(path, speech.audio(item), speech.SAMPLE_RATE)
    else:
        rate = layout.MUSIC_RATES[item.language]
        layout.write_sound(path, render.clip_audio(item, item.score(), rate), rate)
