"""Made-up answers of yes and no with known truth, as of Emotify: people answer for some clips, nobody knows who."""

import numpy as np

from mer.agreement.anonymous import Answers

LANGUAGES = ("English", "Russian", "Dutch", "German")
SHARES = (0.4, 0.3, 0.2, 0.1)


def study(rng, *, clips=60, answers=16, emotions=2, shared=0.0, rate=0.0, habit=0.0, taste=0.0, per_rater=1):
    """Answers of raters who answer for `per_rater` clips each, in logits of yes.

    Parameters
    ----------
    shared : float
        Deviation, over clips, of what raters of one language share.
    rate : float
        How much more readily raters of the first two languages say yes, to everything alike.
    habit : float
        Deviation, over raters, of how readily one says yes to an emotion.
    taste : float
        Deviation, over raters, of how far one follows each of three properties of clips.
    """
    n = clips * answers
    raters = -(-n // per_rater)
    spoken = rng.choice(len(LANGUAGES), raters, p=SHARES)
    rater = np.repeat(np.arange(raters), per_rater)[:n]
    clip = np.concatenate([rng.permutation(clips) for _ in range(answers)])  # a rater meets a clip once, or nearly so
    logit = -1 + rng.normal(0, 1, (clips, emotions))[clip]
    logit += shared * rng.standard_normal((len(LANGUAGES), clips, emotions))[spoken[rater], clip]
    logit += rate * (spoken[rater] < 2)[:, None]
    logit += habit * rng.standard_normal((raters, emotions))[rater]
    properties, follows = rng.standard_normal((clips, 3)), taste * rng.standard_normal((raters, 3, emotions))
    logit += np.einsum("np,npe->ne", properties[clip], follows[rater])
    said = (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(int)
    order = np.argsort(clip, kind="stable")
    return Answers(None, tuple(f"c{i:03d}" for i in range(clips)), tuple(f"e{i}" for i in range(emotions)), clip[order],
                   np.array(LANGUAGES, object)[spoken[rater]][order], np.full(clips, "", object), said[order])
