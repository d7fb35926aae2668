"""What an encoder heard before it met emotion: speech, music or noise; and whether that were clips of the test.

No label was heard, but an encoder that knows the very sound of a test clip, or its artist, may code it better than any
other.
"""

from mer import corpora


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
        standardization too. speech: its code, None of another kind. Of music heard_clips and heard_groups: hashes of
        the sound of the clips for training and validation, and their artists, songs or people.
    """
    known = {"heard": "random" if random else corpus.KIND, "speech": corpus.CODE if corpus.KIND == "speech" else None,
             "heard_from": {"kind": corpus.KIND, "code": corpus.CODE, "name": corpus.NAME}}
    if corpus.KIND == "music" and not random:
        of_training = clips.take(clips.split != "test")
        known |= {"heard_clips": sorted(of_training.contents), "heard_groups": sorted(set(of_training.group))}
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
        heard_test_clips: how many. heard_test_groups: how many others, of whose group (artist, song, actor) other clips
        were heard; corpora of other people are not compared. {} where the encoder heard no music of ours.
    """
    if not (encoder and encoder.metadata.get("heard_clips")):
        return {}
    sounds, groups = (set(encoder.metadata.get(name) or ()) for name in ("heard_clips", "heard_groups"))
    source = corpora.get("music", encoder.heard_from["code"])
    shares = [corpus is source or bool(corpus.PEOPLE and corpus.PEOPLE == source.PEOPLE) for corpus in (
        corpora.get("music", store.attributes["code"]) for store in clips.stores)]
    same = [content in sounds for content in clips.contents]
    n, n_groups = sum(same), sum(
        shares[s] and not heard and clips.stores[s].columns["group"][i] in groups
        for s, i, heard in zip(clips.source, clips.index, same, strict=True))
    if n or n_groups:
        print(f"WARNING: the encoder heard {n} of the {len(clips)} test clips in its pretraining, and other clips of "
              f"the artists or people of {n_groups} more, without labels: pretrain it on another corpus")
    return {"heard_test_clips": n, "heard_test_groups": n_groups}
