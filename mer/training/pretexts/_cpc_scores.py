"""What CPC has learnt: its accuracy beside classifiers that cannot compare context and continuation."""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mer.evaluation import intervals
from mer.training.pretexts._sequences import exchange

_AT_MOST = 8192  # training pairs that the references are fitted on
_PLACES = 16  # places from the start, and from the end, that are told apart; those farther away are one
_PENALTY = 0.01  # inverse strength of the L2 penalty on the standardized statistics


def of(model, test, *, train, n_bootstrap):
    """Accuracy of CPC on test pairs, and that of references on the same pairs.

    Distinct negatives are all drawn from other clips here, from the place of the true continuation, whatever share of
    the same clip was trained on: so the two places together say nothing either. How well continuations from elsewhere
    in the same clip are told apart is reported beside it; there the distance in time could be heard as well.

    Parameters
    ----------
    model : keras.Model
        Score of one continuation, (n, 1) from 0 to 1, or of all candidates, (n, candidates).
    test, train : cpc.Contrast or cpc.Choice
        Data that nothing was chosen on, and data that the references are fitted on.
    n_bootstrap : int
        Resamples of the intervals, which are drawn over speakers, or clips where there are few.

    Returns
    -------
    dict
        accuracy (with candidates: the share of contexts whose own continuation has the highest score); chance, that of
        the more frequent label or of a blind choice; references: accuracy of future_alone (logistic regression on band
        statistics of the continuation), place_alone (place of the continuation in its clip, from both ends) and
        wrong_context (this model, with the context of another clip); gains: the difference to each of them and to
        chance, see `intervals.paired_mean`; n; candidates (None for pairs); overlap_frames, which context and true
        continuation share; same_clip: accuracy and n against false continuations of the same clip, and gain over one
        half (None with candidates, published negatives or short clips). learnt: the interval of each of `gains` lies
        above 0. sentence.
    """
    candidates, distinct = getattr(test, "candidates", None), getattr(test, "negatives", "") == "distinct"
    for data in (train, test) if distinct else ():
        _draw_again(data, same_clip_share=0)
    right, target, pairs = _right(model, test)
    test.contexts = exchange(np.random.default_rng([test.seed, 1]), test.clip, test.place)
    wrong_context = _right(model, test)[0]
    test.contexts = np.arange(len(test.clip))
    if candidates:
        # whichever continuation of a group a blind classifier chooses, it is right for one context of the group
        blind = np.full(len(right), 1 / candidates)
        rights = {"chance": blind, "future_alone": blind, "place_alone": blind, "wrong_context": wrong_context}
    else:
        _, known, seen = _right(None, train)
        rights = {"chance": target == (known.mean() > 0.5), "wrong_context": wrong_context,
                  "future_alone": _of_sound(seen, known, pairs) == target,
                  "place_alone": _of_place(seen, known, pairs) == target}
    interval = {"group": test.patches.clips.group, "n_bootstrap": n_bootstrap, "bounds": (-1, 1)}
    gains = {name: intervals.paired_mean(right.astype(float) - other, np.ones(len(right)), clip=pairs["clip"],
                                         **interval)
             for name, other in rights.items()}
    found = {name: float(np.mean(other)) for name, other in rights.items()}
    scores = {"accuracy": float(right.mean()), "chance": found.pop("chance"), "references": found, "gains": gains,
              "n": len(right), "candidates": candidates, "overlap_frames": int(test.overlap_frames),
              "same_clip": _same_clip(model, test, interval) if distinct else None,
              "learnt": all(gain["low"] is not None and gain["low"] > 0 for gain in gains.values())}
    return {**scores, "sentence": _sentence(scores, published=not candidates and not distinct)}


def _right(model, data):
    """Which answers are right; the true answers; and what is known of the pairs. Without a model, of a part of them."""
    step = 1 if model else max(1, round(data.n / _AT_MOST))
    right, target, known = [], [], {"sound": [], "chosen": []}
    for number in range(0, len(data), step):
        inputs, truth = data[number]
        target.append(truth.argmax(axis=1) if truth.shape[1] > 1 else truth[:, 0] > 0.5)
        known["chosen"].append(data.indices(number))
        known["sound"].append(_statistics(inputs["future"]))
        if model:
            score = keras.ops.convert_to_numpy(model.predict_on_batch(inputs))
            right.append((score.argmax(axis=1) if truth.shape[1] > 1 else score[:, 0] > 0.5) == target[-1])
    known = {name: np.concatenate(parts) for name, parts in known.items()}
    chosen = known["chosen"]
    start = getattr(data, "continued", data.starts)[chosen]
    known["clip"], known["of"] = data.clip[chosen], data.patches.clip[start]
    known["place"] = start - data.patches.first[known["of"]]
    known["from_end"] = data.n_starts[known["of"]] - 1 - known["place"]
    return np.concatenate(right) if model else None, np.concatenate(target), known


def _statistics(future):
    """Mean and deviation over all frames of each band, and how the mean changes, (n, 3 x bands)."""
    means = future.mean(axis=(3, 4))  # (n, patches, bands)
    return np.concatenate([means.mean(axis=1), future.std(axis=(1, 3, 4)), means[:, -1] - means[:, 0]], axis=1)


def _of_sound(seen, known, pairs):
    """Answers of a classifier that hears the continuation only."""
    if len(np.unique(known)) < 2:
        return np.full(len(pairs["clip"]), known[0])
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=_PENALTY, max_iter=200)).fit(seen["sound"], known)
    return fitted.predict(pairs["sound"])


def _of_place(seen, known, pairs):
    """Answers of a table of the places: how many of the training pairs there are true?"""
    def cell(data):
        return np.minimum(data["place"], _PLACES - 1) * _PLACES + np.minimum(data["from_end"], _PLACES - 1)

    n = np.bincount(cell(seen), minlength=_PLACES**2)
    true = np.bincount(cell(seen), known, minlength=_PLACES**2)
    return np.where(n > 0, true > n / 2, known.mean() > 0.5)[cell(pairs)]


def _draw_again(data, *, same_clip_share):
    data.same_clip_share = same_clip_share
    data.set_epoch(0)


def _same_clip(model, test, interval):
    """How well true continuations are told from those of elsewhere in the same clip."""
    _draw_again(test, same_clip_share=1)
    right, _, pairs = _right(model, test)
    with_partner = test.n_starts > test.apart
    used = (pairs["clip"] == pairs["of"]) & with_partner[pairs["clip"]]
    if not used.any():
        return None
    gain = intervals.paired_mean(right[used] - 0.5, np.ones(used.sum()), clip=pairs["clip"][used], **interval)
    return {"accuracy": float(right[used].mean()), "n": int(used.sum()), "gain": gain}


def _sentence(scores, *, published):
    def gain(name):
        low, high = scores["gains"][name]["low"], scores["gains"][name]["high"]
        return "no interval from one clip" if low is None else f"CPC is better by [{low:+.3f}, {high:+.3f}]"

    names = {"future_alone": "the continuation alone", "place_alone": "its place alone",
             "wrong_context": "CPC with the context of another clip"}
    what = f"top-1 accuracy among {scores['candidates']}" if scores["candidates"] else "accuracy"
    references = "; ".join(f"{words} {scores['references'][name]:.3f} ({gain(name)})" for name, words in names.items())
    limit = "; the published negatives allow about 0.75" if published else ""
    shared, same = scores["overlap_frames"], scores["same_clip"]
    if same:
        references += f"; against continuations of the same clip {same['accuracy']:.3f} on {same['n']}"
    seam = f"; context and true continuation share {shared} frames" if shared else ""
    return (f"{what} {scores['accuracy']:.3f} on {scores['n']} sequences; chance {scores['chance']:.3f} "
            f"({gain('chance')}); {references}{limit}{seam}")
