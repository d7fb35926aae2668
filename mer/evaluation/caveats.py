"""What a reader of any report of a run has to be warned of, by the facts of its run.json."""


def encoder_warnings(run: dict) -> list[str]:
    """Sentences where the encoder of a run was not shown to have learnt its pretext task, or has heard test clips.

    Parameters
    ----------
    run : dict
        The ``run`` of a report; ``encoder.scores`` holds ``learnt`` (bool) and ``sentence`` (str) of the pretraining,
        ``heard_test_clips`` how many, ``heard_test_groups`` of how many more the artist.
    """
    scores = (run.get("encoder") or {}).get("scores") or {}
    n, more = run.get("heard_test_clips"), run.get("heard_test_groups", 0)
    heard = [f"The encoder heard {n} of the test clips in its pretraining, and other clips of the artists or people of "
             f"{more} more, without labels. One that was pretrained on other music may be worse."] if n or more else []
    if scores.get("learnt", True):
        return heard
    why = scores.get("sentence") or "no score is known"
    return [*heard, f"The encoder was not shown to have learnt its pretext task: {why}. What it "
            "gives the emotion heads may be no better than random weights."]


def transductive_warning(run: dict) -> list[str]:
    """A sentence in a list where a run looked at unlabelled test clips, to normalize them; else no sentence."""
    by = run.get("normalized_by")
    return [f"Transductive: embeddings are normalized per {by}, over all of its clips, so unlabelled test clips were "
            f"looked at. A model that meets a single clip of a new {by} cannot answer like this."] if by else []
