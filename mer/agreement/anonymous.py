"""Answers without names of raters: does the listener's language matter, as far as that can be told?

One row is one person's yes or no on several emotions of one clip, with his language; who gave which rows is not known,
as in Emotify (Aljanaki, Wiering & Veltkamp 2016, Studying emotion induced by music through a crowdsourcing game,
Information Processing & Management 52(1), 115-128). Three measures, for every language:

- agreement: Krippendorff's nominal alpha within the language, against mixed groups of just its size on each clip;
- given rates: the same without what languages say yes to more or less often. The mean product, over pairs within a
  clip, of yes or no less the rate of the language, divided by its deviation: a correlation;
- prediction: how often the majority of the others of his language says what a person says, against the majority of as
  many people of other languages. Ties count half. Which of more people are asked is averaged out exactly
  (hypergeometric), so nothing is drawn.

The null permutes languages over the answers of each clip: nobody's language says anything about what he answers. Then
clips, numbers of answers and how hard a clip is stay as they are. Answers of one person to several clips cannot be
kept together, because nobody knows which they are. Where raters have habits, answers of one person depend on each
other, and p is too small; docs/agreement.md says by how much in simulations.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import stats

from mer import MerError, tables
from mer.agreement import columns
from mer.agreement.alpha import interval
from mer.agreement.ratings import CLIP, LANGUAGE, RATER
from mer.evaluation.intervals import holm
from mer.tables import missing

ALL, MEAN, WITHIN = "all", "mean of all", "within languages"
MEASURES = ("agreement", "given rates", "prediction")
N_PERMUTATIONS = 1999
LEAST_ANSWERS = 300  # of a language that is compared
_TIE = 1e-12


@dataclass(frozen=True)
class Answers:
    """Answers by people without a name, sorted by clip.

    Attributes
    ----------
    path : pathlib.Path
    clips, emotions : tuple of str
    clip : np.ndarray of int, shape (n,)
    language : np.ndarray of str, shape (n,)
    genre : np.ndarray of str, shape (clips,)
        "" where the csv has no such column.
    said : np.ndarray of int, shape (n, emotions)
        1 yes, 0 no.
    left_out : tuple of mer.agreement.columns.LeftOut
    """

    path: Path
    clips: tuple
    emotions: tuple
    clip: np.ndarray
    language: np.ndarray
    genre: np.ndarray
    said: np.ndarray
    left_out: tuple = ()


def read(path, *, only=(), encoding=None):
    """Answers of a csv that names clips and languages and nobody's name; None where it has a column of raters.

    Columns are found as `ratings.read` finds them; "genre" may say of what kind a clip is. An emotion is a column of 0
    and 1 whose name may be one.

    Raises
    ------
    MerError
        A cell is neither 0 nor 1, a clip has two genres, or there is no column of emotions.
    """
    table = tables.read(path, encoding=encoding)
    clip, language = table.first(CLIP), table.first(LANGUAGE)
    if table.first(RATER) or not clip or not language:
        return None
    texts = {name: [cells[name].strip() for _, cells in table.rows] for name in table.columns}
    wanted = [part.strip().lower().replace(" ", "_") for name in only for part in name.split(",") if part.strip()]
    if unknown := [name for name in wanted if name not in table.columns]:
        raise MerError(f"{path} has no {unknown[0]!r}: choose from {', '.join(table.columns)[:200]}")
    others = [name for name in table.columns if name not in (clip, language, "genre")]
    emotions = wanted or [name for name in others if columns.is_of_ratings(name) and set(texts[name]) <= {"0", "1"}]
    if not emotions:
        return None
    for name in emotions:
        wrong = next((line for line, cells in table.rows if cells[name].strip() not in ("0", "1")), None)
        if wrong:
            raise MerError(f"{path}, line {wrong}: {name} is neither 0 nor 1, and without a column of raters only "
                           "answers of yes and no are compared: correct it, or add a column rater")
    names, index = np.unique(texts[clip], return_inverse=True)
    order = np.argsort(index, kind="stable")
    genre = np.full(len(names), "", object)
    for (line, _), place, kind in zip(table.rows, index, texts.get("genre", [""] * len(index)), strict=True):
        if genre[place] not in ("", kind):
            raise MerError(f"{path}, line {line}: {names[place]} is {kind} here and {genre[place]} before: a clip has "
                           "one genre")
        genre[place] = kind
    spoken = np.array(["" if missing.is_missing(text) else text for text in texts[language]], object)
    said = np.array([[int(text) for text in texts[name]] for name in emotions], int).T
    return Answers(Path(path), tuple(names), tuple(emotions), index[order], spoken[order], genre, said[order],
                   tuple(columns.LeftOut(name, "name" if not columns.is_of_ratings(name) else "words")
                         for name in others if name not in emotions))


class Cells:
    """Answers counted by clip and language, for any assignment of answers to the places of a clip.

    Parameters
    ----------
    clip : np.ndarray of int, shape (n,), ascending
    group : np.ndarray of int, shape (n,)
        Language of each place: an index into the languages that are compared, -1 for any other.
    n_groups : int
    """

    def __init__(self, clip, group, n_groups):
        self.clip, self.n_groups, self.n_clips = clip, n_groups, int(clip.max()) + 1
        known = group >= 0
        self._cell = np.where(known, clip * n_groups + group, self.n_clips * n_groups)
        self.size = np.bincount(clip, minlength=self.n_clips)[:, None]                    # (clips, 1)
        self.own = self._summed(np.ones((len(clip), 1)))[..., 0].astype(int)              # (clips, groups)
        self.asked = np.minimum(self.own - 1, self.size - self.own)

    def _summed(self, values):
        cells = np.stack([np.bincount(self._cell, column, self.n_clips * self.n_groups + 1)[:-1]
                          for column in values.T], axis=-1)
        return cells.reshape(self.n_clips, self.n_groups, -1)

    @cached_property
    def majority(self):
        """Chance that most of k people drawn from N say yes, of whom K do; ties count half: [N, K, k]."""
        most = int(self.size.max())
        found = np.zeros((most + 1, most + 1, most + 1))
        grid = np.arange(most + 1)
        for asked in range(1, most + 1):
            n, k = np.meshgrid(grid, grid, indexing="ij")
            legal = (n >= asked) & (k <= n)
            law = stats.hypergeom(n[legal], k[legal], asked)
            found[n[legal], k[legal], asked] = law.sf(asked // 2) + (0 if asked % 2 else law.pmf(asked // 2) / 2)
        return found

    def measures(self, said, beyond):
        """Sums per clip, of which `ratio` makes the measures.

        Parameters
        ----------
        said : np.ndarray of int, shape (n, emotions)
        beyond : np.ndarray, shape (n, emotions)
            The same less the rate of the language, in deviations, from `beyond_rates`.

        Returns
        -------
        np.ndarray, shape (6, clips, groups, emotions)
            Answers, yeses, disagreement, products of pairs, hits of the own language and of the others.
        """
        yes = np.rint(self._summed(said)).astype(int)                                     # (clips, groups, emotions)
        every = np.stack([np.bincount(self.clip, column, self.n_clips) for column in said.T], axis=-1)
        other = np.rint(every).astype(int)[:, None] - yes
        own, rest = self.own[..., None], (self.size - self.own)[..., None]
        counts = (own >= 2) & (rest >= 1)
        within = 2 * yes * (own - yes) / np.maximum(own - 1, 1)
        pairs = (self._summed(beyond) ** 2 - self._summed(beyond**2)) / np.maximum(own - 1, 1)
        asked = np.maximum(self.asked, 0)[..., None]
        chance = self.majority
        by_own = yes * chance[own - 1 * (own > 0), np.maximum(yes - 1, 0), asked] + (own - yes) * (
            1 - chance[own - 1 * (own > 0), np.minimum(yes, np.maximum(own - 1, 0)), asked])
        by_other = yes * chance[rest, other, asked] + (own - yes) * (1 - chance[rest, other, asked])
        parts = (own + np.zeros_like(yes), yes, within, pairs, by_own, by_other)
        return np.stack([np.where(counts, part, 0) for part in parts])

    def of_everybody(self, said, beyond):
        """`measures` as if all who answered a clip had one language, which nobody predicts better than others."""
        every, total, squares = (np.stack([np.bincount(self.clip, column, self.n_clips) for column in values.T],
                                          axis=-1)[:, None] for values in (said, beyond, beyond**2))
        size, counts = self.size[..., None], ((self.own >= 2) & (self.size > self.own))[..., None]
        parts = (size + 0 * every, every, 2 * every * (size - every) / np.maximum(size - 1, 1),
                 (total**2 - squares) / np.maximum(size - 1, 1), 0 * every, 0 * every)
        return np.stack([np.where(counts, part, 0) for part in parts])


def beyond_rates(said, group):
    """Answers less the rate of yes in their language, in deviations, shape (n, emotions); -1 counts as a language."""
    found = np.zeros(said.shape)
    for each in np.unique(group):
        rate = said[group == each].mean(axis=0)
        found[group == each] = (said[group == each] - rate) / np.sqrt(np.maximum(rate * (1 - rate), _TIE))
    return found


def ratio(sums):
    """The measures of each language and emotion, then their means: shape (3, ..., groups + 1, emotions + 1).

    Parameters
    ----------
    sums : np.ndarray, shape (6, ..., groups, emotions)
        `Cells.measures`, summed over clips. Agreement is Krippendorff's nominal alpha; given rates it is the mean
        product of pairs; prediction is the share of
        answers that the own language's majority meets, less that of the others'. The mean over languages is weighted by
        answers, that over emotions is not.
    """
    n, yes, within, pairs, own, other = sums
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a measure that no emotion has
        found = np.stack([1 - within * (n - 1) / (2 * yes * (n - yes)), pairs / n, (own - other) / n])
        found = np.where(np.isfinite(found), found, np.nan)
        weights = np.where(np.isfinite(found), n, 0)
        together = np.nansum(found * weights, axis=-2, keepdims=True) / weights.sum(axis=-2, keepdims=True)
        found = np.concatenate([found, together], axis=-2)
        return np.concatenate([found, np.nanmean(found, axis=-1, keepdims=True)], axis=-1)


def compare(answers, languages, *, n_permutations, n_bootstrap, seed, genre=ALL):
    """The measures of each language, against permuted languages.

    Parameters
    ----------
    answers : Answers
    languages : sequence of str
        Those that are compared; answers in others count among "other languages".
    n_permutations, n_bootstrap : int > 0
    seed : int
    genre : str
        Only clips of this genre; `ALL`: all clips.

    Returns
    -------
    list of dict
        One for each measure, language (and `WITHIN`) and emotion (and `MEAN`), with genre, n_clips, n_answers, value,
        mixed (mean under permutation: of mixed groups of the same size), difference, low, high (bootstrap over clips),
        p (two-sided) and p_holm. None where it is not defined.
    """
    keep = np.isin(answers.clip, np.flatnonzero((answers.genre == genre) | (genre == ALL)))
    _, clip = np.unique(answers.clip[keep], return_inverse=True)
    index = {name: place for place, name in enumerate(languages)}
    group = np.array([index.get(name, -1) for name in answers.language[keep]])
    said, cells = answers.said[keep], Cells(clip, group, len(languages))
    rng = np.random.default_rng([seed, 3])
    beyond = beyond_rates(said, group)
    per_clip = cells.measures(said, beyond)
    value = ratio(per_clip.sum(axis=1))
    orders = (_within_clips(clip, rng) for _ in range(n_permutations))
    random = np.stack([ratio(cells.measures(said[order], beyond[order]).sum(axis=1)) for order in orders], axis=1)
    draws = rng.multinomial(cells.n_clips, np.full(cells.n_clips, 1 / cells.n_clips), size=n_bootstrap)
    every = cells.of_everybody(said, beyond)
    gain, gains = (ratio(np.einsum("bc,mcge->mbge", times, per_clip, optimize=True))
                   - np.nan_to_num(ratio(np.einsum("bc,mcge->mbge", times, every, optimize=True)))
                   for times in (np.ones((1, cells.n_clips)), draws))
    spread, rows = gains - gain, []  # how far clips move what a language has beyond everybody
    for place, measure in enumerate(MEASURES):
        for at, name in enumerate((*languages, WITHIN)):
            clips = ((cells.own >= 2) & (cells.size > cells.own))[:, [at] if at < len(languages) else slice(None)]
            for of, emotion in enumerate((*answers.emotions, MEAN)):
                row = {"measure": measure, "genre": genre, "group": name, "class": emotion,
                       "n_clips": int(clips.any(axis=1).sum()),
                       "n_answers": int((cells.own[:, [at] if at < len(languages) else slice(None)] * clips).sum())}
                rows.append(row | _tested(value[place, at, of], random[place, :, at, of], spread[place, :, at, of]))
    for of_test in ((one, two) for one in (True, False) for two in (True, False)):
        family = [row for row in rows if (row["class"] == MEAN, row["group"] == WITHIN) == of_test]
        for each in MEASURES:
            mine = [row for row in family if row["measure"] == each]
            for row, p in zip(mine, holm([row["p"] for row in mine]), strict=True):
                row["p_holm"] = p
    return rows


def _within_clips(clip, rng):
    """A random order of the answers in which every clip keeps its own."""
    return np.lexsort((rng.random(len(clip)), clip))


def _tested(value, random, spread):
    random = random[np.isfinite(random)]
    made = dict.fromkeys(("value", "mixed", "difference", "low", "high", "p", "p_holm"))
    if not np.isfinite(value) or not len(random):
        return made
    above, below = (random >= value - _TIE).sum(), (random <= value + _TIE).sum()
    low, high = interval(value - random.mean() + spread)
    return made | {"value": float(value), "mixed": float(random.mean()), "difference": float(value - random.mean()),
                   "low": low, "high": high,
                   "p": min(1.0, 2 * (1 + int(min(above, below))) / (1 + len(random)))}
