"""What contrast has learnt: its accuracy beside comparisons of chunks that need no training, or no network.

Two chunks of one clip share more than what is said or played: the speaker or the instruments, the room, the
microphone, what coding has left. All of these count as right here. The level, and the rough shape of the spectrum, do
not help where chunks are augmented, and the place in the clip is drawn afresh for every chunk.
"""

import keras
import numpy as np

from mer.evaluation import intervals

_AT_MOST = 4096  # training pairs that the references are fitted on
_SHRINKAGE = 0.1  # of the covariance within clips, towards equal variances
_NAMES = {"mean_spectrum": "mean spectrum", "mean_and_deviation": "mean and deviation of each band",
          "within_clips": "these, weighed by how they vary within clips", "random_weights": "random weights"}


def of(model, encoder, untrained, test, *, train, n_bootstrap):
    """Accuracy of a model and of references on the same pairs, as training sees them, and without augmentation.

    A reference takes the chunk with the largest cosine, after every number has been standardized on training pairs.

    Parameters
    ----------
    model : keras.Model
        Pairs -> logits, (n, n).
    encoder : keras.Model
        The part of it that codes a chunk.
    untrained : list of np.ndarray
        Weights of `model` before training.
    test, train : contrast.Pairs
        Data that nothing was chosen on, and data that the references are fitted on.
    n_bootstrap : int
        Resamples of the intervals, which are drawn over speakers, or clips where there are few.

    Returns
    -------
    dict
        accuracy: share of chunks whose partner has the largest logit. chance: one over `candidates`, the clips of a
        batch. n: pairs. references: accuracy by mean_spectrum (mean of each band over the frames), mean_and_deviation
        (of each band), within_clips (these, whitened by their covariance within training clips) and random_weights (the
        codes of this encoder before training). gains: the difference to chance and to each reference, see
        `intervals.paired_mean`. best_reference; gain, over that one. learnt: the interval of `gain` lies above 0.
        plain: accuracy, and accuracy by reference, of chunks that are not augmented. too_short: test clips without two
        chunks. sentence.
    """
    plain, _ = _right(model, encoder, untrained, test, train, is_augmented=False)
    right, clip = _right(model, encoder, untrained, test, train, is_augmented=True)
    found = {name: float(values.mean()) for name, values in right.items()}
    accuracy = found.pop("model")
    gains = {name: intervals.paired_mean(right["model"] - values, np.ones(len(clip)), clip=clip,
                                         group=test.patches.clips.group, n_bootstrap=n_bootstrap, bounds=(-1, 1))
             for name, values in right.items() if name != "model"}
    best = min(gains, key=lambda name: gains[name]["value"])
    scores = {"accuracy": accuracy, "chance": found.pop("chance"), "candidates": test.batch_size, "n": len(clip),
              "references": found, "gains": gains, "best_reference": best, "gain": gains[best],
              "learnt": gains[best]["low"] is not None and gains[best]["low"] > 0,
              "plain": {name: float(values.mean()) for name, values in plain.items() if name != "chance"},
              "too_short": len(test.patches.clips) - len(test.clip)}
    return {**scores, "sentence": _sentence(scores)}


def _right(model, encoder, untrained, test, train, *, is_augmented):
    """Which chunks were found, by model and reference, 1 or 0; and the clip of each."""
    for data in (test, train):
        data.is_augmented = is_augmented
    learnt = model.get_weights()
    model.set_weights(untrained)
    try:
        known = _features(encoder, train, range(min(len(train), -(-_AT_MOST // train.batch_size))))
        seen = _features(encoder, test, range(len(test)))
    finally:
        model.set_weights(learnt)
    answers = {name: _nearest(seen[name], known[name]) for name in seen}
    answers["within_clips"] = _nearest(seen["mean_and_deviation"], known["mean_and_deviation"], whiten=True)
    answers["model"] = [keras.ops.convert_to_numpy(model.predict_on_batch(test[number][0])).argmax(axis=1)
                        for number in range(len(test))]
    right = {name: np.concatenate([places == np.arange(len(places)) for places in found]).astype(float)
             for name, found in answers.items()}
    right["chance"] = np.full(len(test.order), 1 / test.batch_size)
    return right, test.order


def _features(encoder, data, numbers):
    """Name -> list of arrays (n, 2, d), one a batch."""
    made: dict = {"mean_spectrum": [], "mean_and_deviation": [], "random_weights": []}
    for number in numbers:
        pairs, _ = data[number]
        means, deviations = (each.squeeze(-1) for each in (pairs.mean(axis=3), pairs.std(axis=3)))
        made["mean_spectrum"].append(means)
        made["mean_and_deviation"].append(np.concatenate([means, deviations], axis=-1))
        codes = keras.ops.convert_to_numpy(encoder.predict_on_batch(pairs.reshape(-1, *pairs.shape[2:])))
        made["random_weights"].append(codes.reshape(len(pairs), 2, -1))
    return made


def _nearest(seen, known, *, whiten=False):
    """Place of the second chunk with the largest cosine for each first one, a list with one array a batch."""
    known = np.concatenate(known).astype(np.float64)
    every = known.reshape(-1, known.shape[-1])
    center, spread = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-6)
    turned = np.diag(1 / spread)
    if whiten:
        within = np.cov((known[:, 0] - known[:, 1]) / spread / np.sqrt(2), rowvar=False)
        within = (1 - _SHRINKAGE) * within + _SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
        turned = turned @ np.linalg.cholesky(np.linalg.inv(within))
    places = []
    for batch in seen:
        rows = (batch - center) @ turned
        rows /= np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
        places.append((rows[:, 0] @ rows[:, 1].T).argmax(axis=1))
    return places


def _sentence(scores):
    gain, plain = scores["gain"], scores["plain"]
    references = ", ".join(f"{words} {scores['references'][name]:.3f}" for name, words in _NAMES.items())
    interval = "no interval from one clip" if gain["low"] is None else f"[{gain['low']:+.3f}, {gain['high']:+.3f}]"
    best = max((name for name in plain if name != "model"), key=plain.get)
    short = f"; {scores['too_short']} test clips are too short for two chunks" if scores["too_short"] else ""
    return (f"finds the chunk of the same clip among {scores['candidates']} with accuracy {scores['accuracy']:.3f} on "
            f"{scores['n']} pairs; chance {scores['chance']:.3f}; {references}; better than the best of these by "
            f"{gain['value']:.3f} {interval}; without augmentation {plain['model']:.3f}, the best reference "
            f"({_NAMES[best]}) {plain[best]:.3f}{short}")
