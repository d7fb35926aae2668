"""What every setting may be: its type, its lowest and highest value and its unit; and which do not go together."""

import difflib
from pathlib import Path
from typing import Any

from mer import MerError

_TRUE, _FALSE = ("true", "yes", "y", "1", "on"), ("false", "no", "n", "0", "off")
_MOST_TEXT = 4096  # characters of a path: what Linux takes
# Every setting: its kind ("path", "result" for a path that may not be empty, True for a switch, the words to choose
# from), or for a number its type, lowest and highest value, and unit. A new setting needs a line here.
OF: dict[str, Any] = {
    "path_to_data": "path", "path_speech_english": "path", "path_speech_mandarin": "path", "path_music_english": "path",
    "path_music_mandarin": "path", "path_music_turkish": "path", "path_music_piano": "path",
    "path_music_sung": "path", "path_music_spoken": "path",
    "path_to_features": "result", "path_to_models": "result", "path_to_models_trans": "result",
    "path_to_results": "result",
    "sample_rate_hz": (int, 1000, 192_000, "Hz"),
    "n_fft": (int, 16, 65_536, "samples"),
    "window_samples": (int, 16, 65_536, "samples"),
    "hop_samples": (int, 1, 65_536, "samples"),
    "n_mel_bands": (int, 1, 1024, "bands"),
    "patch_overlap": (float, 0, 0.99, "of a patch"),
    "seed": (int, 0, 2**31 - 1, "(run n adds n)"),
    "test_fraction": (float, 0.001, 0.9, "of the clips"),
    "val_fraction": (float, 0.001, 0.9, "of the clips"),
    "speech_test_fraction": (float, 0.001, 0.9, "of the clips"),
    "precision": ("float32", "mixed_bfloat16"),
    "early_stopping_epochs": (int, 1, 100_000, "epochs"),
    "halve_after_epochs": (int, 1, 100_000, "epochs"),
    "tensorboard": True,
    "pretrain_epochs": (int, 1, 100_000, "epochs"),
    "pretrain_batch_patches": (int, 1, 65_536, "patches"),
    "pretrain_learning_rate": (float, 1e-9, 10, "per step"),
    "pretrain_decay": (float, 0, 1, "per step"),
    "noise_sigma": (float, 0, 100, "natural-log units"),
    "cpc_batch_sequences": (int, 1, 65_536, "sequences"),
    "cpc_hop_patches": (int, 1, 1000, "patches"),
    "cpc_loss": ("binary", "infonce"),
    "cpc_candidates": (int, 2, 1024, "continuations"),
    "cpc_gap_patches": (int, 0, 1000, "patches"),
    "cpc_negatives": ("distinct", "published"),
    "cpc_negatives_per_positive": (int, 1, 1000, "negatives"),
    "cpc_same_clip_share": (float, 0, 1, "of the negatives"),
    "contrast_epochs": (int, 1, 100_000, "epochs"),
    "contrast_steps": (int, 1, 1_000_000, "batches"),
    "contrast_batch_clips": (int, 2, 65_536, "clips"),
    "contrast_learning_rate": (float, 1e-9, 10, "per step"),
    "contrast_weight_decay": (float, 0, 1, "per step"),
    "contrast_gain_db": (float, 0, 100, "dB"),
    "contrast_filter_db": (float, 0, 100, "dB"),
    "contrast_mask_bands": (int, 0, 1024, "bands"),
    "heads_epochs": (int, 1, 100_000, "epochs"),
    "heads_batch_patches": (int, 1, 65_536, "patches"),
    "heads_learning_rate": (float, 1e-9, 10, "per step"),
    "full_epochs": (int, 1, 100_000, "epochs"),
    "full_batch_patches": (int, 1, 65_536, "patches"),
    "full_learning_rate": (float, 1e-9, 10, "per step"),
    "transfer_decay": (float, 0, 1, "per step"),
    "class_weights": True,
    "scratch_epochs": (int, 1, 100_000, "epochs"),
    "scratch_batch_patches": (int, 1, 65_536, "patches"),
    "scratch_learning_rate": (float, 1e-9, 10, "per step"),
    "scratch_decay": (float, 0, 1, "per step"),
    "scratch_class_weights": True,
    "sincnet_epochs": (int, 1, 100_000, "epochs"),
    "sincnet_steps": (int, 1, 1_000_000, "batches"),
    "sincnet_batch_chunks": (int, 1, 65_536, "chunks"),
    "sincnet_500_batch_chunks": (int, 1, 65_536, "chunks"),
    "sincnet_learning_rate": (float, 1e-9, 10, "per step"),
    "sincnet_schedule": ("constant", "one_cycle"),
    "sincnet_gain": (float, 0, 0.99, "of the amplitude"),
    "sincnet_vote_hop_ms": (float, 0.1, 10_000, "ms"),
    "resnet_epochs": (int, 1, 100_000, "epochs"),
    "resnet_batch_chunks": (int, 1, 65_536, "chunks"),
    "resnet_learning_rate": (float, 1e-9, 10, "per step"),
    "resnet_weight_decay": (float, 0, 1, "per step"),
    "resnet_gain": (float, 0, 0.99, "of the amplitude"),
    "resnet_mixup": (float, 0, 100, "(alpha)"),
    "resnet_masks": (int, 0, 100, "masks"),
    "resnet_mask_bands": (int, 0, 1024, "bands"),
    "resnet_mask_frames": (int, 0, 100_000, "frames"),
    "resnet_label_smoothing": (float, 0, 0.99, "of a target"),
    "cross_tests": True,
    "part_seconds": (float, 1, 3600, "seconds"),
    "selected_features": (int, 1, 100_000, "features"),
    "comparison_folds": (int, 2, 1000, "folds"),
    "svm_folds": (int, 2, 1000, "folds"),
    "n_bootstrap": (int, 1, 1_000_000, "resamples"),
    "extract_jobs": (int, 0, 1024, "processes"),
}
_GONE = {"patch_seconds": "each encoder says how much it reads at a time, CHUNK_SECONDS in models/NAME.py"}


def path_problem(text: str) -> str:
    """Why a text cannot be the path of a file or folder, or "" where it can; nothing is looked up on disk.

    A path that passes can be expanded: `~name` is then a user of this machine.
    """
    if len(text) > _MOST_TEXT:
        return f"it has {len(text)} characters, and a path has at most {_MOST_TEXT}"
    if "\0" in text:
        return "it holds a NUL character"
    try:
        Path(text).expanduser()
    except RuntimeError:
        return f"there is no user {Path(text).parts[0][1:]!r} on this machine"
    return ""


def shown(value: object) -> str:
    """A value as Python writes it, cut after 100 characters."""
    try:
        whole = repr(value)
    except Exception:  # whole numbers of more than 4300 digits, objects of the user's own
        return f"<{type(value).__name__}>"
    return whole if len(whole) <= 100 else f"{whole[:100]}..."


def unknown(name: str, source: str) -> str:
    """A sentence on a name that is no setting, with the nearest one that is."""
    if name in _GONE:
        return f"{name} ({source}) is no setting any more, because {_GONE[name]}: remove it"
    near = difflib.get_close_matches(name[:100], OF, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "settings.py lists all; a name of your own begins with _"
    return f"unknown setting {shown(name)} ({source}); {hint}"


def expected(name: str) -> str:
    """What a setting may be, in words."""
    limit = OF[name]
    if limit in ("path", "result"):
        return "a path in quotes"
    if limit is True:
        return "True or False"
    if limit[0] not in (int, float):
        return f"one of: {', '.join(limit)}"
    kind, lowest, highest, unit = limit
    return f"{'a whole number' if kind is int else 'a number'} from {lowest:.12g} to {highest:.12g} {unit}"


def _wrong(name, value, problem=""):
    return MerError(f"setting {name} = {shown(value)} should be {expected(name)}" + (problem and f"; {problem}"))


def parse(name: str, text: str) -> object:
    """The value of a setting that was typed or stands in the environment; MerError where its type is wrong."""
    limit = OF[name]
    if isinstance(limit, str):
        return text
    if limit is True:
        if text.lower() not in _TRUE + _FALSE:
            raise _wrong(name, text)
        return text.lower() in _TRUE
    try:
        return limit[0](text) if limit[0] in (int, float) else text
    except ValueError:
        raise _wrong(name, text) from None


def check(name: str, value: object) -> object:
    """The value in its own type; MerError, with what is allowed, where its type or size is wrong."""
    limit = OF[name]
    if isinstance(limit, str):
        problem = path_problem(value) if isinstance(value, str) else f"{type(value).__name__} came"
        if limit == "result" and not value:
            problem = "it is empty"
        if problem:
            raise _wrong(name, value, problem)
    elif limit is True or limit[0] not in (int, float):
        if not (isinstance(value, bool) if limit is True else isinstance(value, str) and value in limit):
            raise _wrong(name, value)
    else:
        kind, lowest, highest, _ = limit
        if isinstance(value, bool) or not isinstance(value, (int, kind)) or not lowest <= value <= highest:
            raise _wrong(name, value)
        return kind(value)
    return value


def check_together(values: dict) -> None:
    """Refuse values that make no features together; all that is wrong comes in one sentence."""
    n_fft, window, hop = (values[name] for name in ("n_fft", "window_samples", "hop_samples"))
    problems = []
    if window > n_fft:
        problems.append(f"window_samples {window} is longer than n_fft {n_fft}")
    if hop > window:
        problems.append(f"hop_samples {hop} is longer than window_samples {window}, so sound between windows is lost")
    if values["n_mel_bands"] > n_fft // 2:
        problems.append(f"n_mel_bands {values['n_mel_bands']} is more than half of n_fft {n_fft}")
    if problems:
        raise MerError(f"settings make no features: {'; '.join(problems)}")
