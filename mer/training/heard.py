"""What an encoder heard before it met emotion: speech, music or noise; and whether that were clips of the test.

No label was heard, but an encoder that knows the very sound of a test clip may code it better than any other.
"""



def facts(corpus, clips, *, random):
    """What run.json of an encoder says of what it heard.

    Parameters
    ----------
    corpus : module
        Of `mer.corpora`.
    clips : store.ClipSet
        All sides of it.
    random : bool
        Nothing was heard: the encoder keeps its random weights.

    Returns
    -------
    dict
        heard: "speech", "music", "noise" or "random". heard_from: kind, code and name of the corpus, that of the
        standardization too. speech: its code, None of another kind. Of music heard_clips: hashes of the sound of the
        clips for training and validation.
    """
    known = {"heard": "random" if random else corpus.KIND, "speech": corpus.CODE if corpus.KIND == "speech" else None,
             "heard_from": {"kind": corpus.KIND, "code": corpus.CODE, "name": corpus.NAME}}
    if corpus.KIND == "music" and not random:
        known["heard_clips"] = sorted(clips.take(clips.split != "test").contents)
    return known


def of_transfer(encoder):
    """Those of `facts` that a transfer from an encoder (ModelFile) takes over; none of one that others published."""
    return {name: encoder.metadata[name] for name in ("heard", "heard_from")
            if name in encoder.metadata and encoder.origin == "ours"}


def in_test(encoder, clips):
    """How many clips of a test an encoder heard, as run.json says it; it is printed where there are any.

    Parameters
    ----------
    encoder : ModelFile or None
    clips : store.ClipSet
        Those of the test.

    Returns
    -------
    dict
        heard_test_clips: how many; {} where the encoder heard no music of ours.
    """
    known = set(encoder.metadata.get("heard_clips") or ()) if encoder else set()
    if not known:
        return {}
    n = sum(content in known for content in clips.contents)
    if n:
        print(f"WARNING: the encoder heard {n} of the {len(clips)} test clips in its pretraining, without labels: "
              "pretrain it on another corpus")
    return {"heard_test_clips": n}
