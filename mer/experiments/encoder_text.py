"""The summary of compare_encoders.py in plain sentences."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from mer.experiments.encoders import RANDOM, Encoder

WIDTH = 110
_CLEAR = 0.05  # a corrected p value below this is called a difference


def composed(facts: Mapping[str, Any], found: Sequence[Encoder], contrasts: Sequence[Mapping[str, Any]],
             probed: Sequence[Mapping[str, Any]], moved: Sequence[Mapping[str, Any]]) -> str:
    """The text.

    Parameters
    ----------
    facts : mapping
        music, clips, notes, probes, encoders.
    found : sequence of Encoder
    contrasts, probed, moved : sequence of mapping
        As encoders.json holds them.
    """
    clips = ", ".join(f"{name} {n}" for name, n in facts["clips"].items())
    lines = [f"What encoders share and know. Music: {facts['music']}. Clips that all encoders heard: {clips}.",
             "Activations are averaged over time and frequency, then over the patches of a clip. \"input\" is the "
             "mean spectrum. Intervals are of 95 %, over artists or speakers.", "",
             "SIMILARITY OF CODES (linear CKA without the bias of few clips; 0: nothing in common, 1: the same up to "
             "rotation)"]
    model = {one.title: one.name for one in found}
    lines += [_similarity(each) for each in contrasts if model.get(each["other"], model[each["one"]]) ==
              model[each["one"]]]
    lines.append("Pairs of different architectures are in encoders.json, and all layers in cka.csv and the picture.")
    lines += ["", "WHAT CAN BE READ OFF THE CODES BY A STRAIGHT LINE"]
    last = {one["title"]: one["layers"][-1] for one in facts["encoders"]}
    random = {one.title for one in found if one.kind == RANDOM}
    for probe in facts["probes"]:
        lines.append(f"{probe['name']}: {probe['clips']} clips of {probe['groups']} groups"
                     f"{', ' + str(probe['classes']) + ' classes' if probe['classes'] else ''}"
                     f"{'; ' + probe['note'] if probe['note'] else ''}.")
        rows = [row for row in probed if row["probe"] == probe["name"]]
        lines += [f"  {_score(row)}" for row in rows
                  if row["layer"] == last[row["encoder"]] and row["encoder"] not in random]
        lines += [f"  {_spectra(rows)}", f"  {_at_chance(rows, last, random)}", f"  {_in_short(rows, last)}"]
    lines += ["", "HOW FAR WEIGHTS MOVED (length of the difference over that of the weights before, by layer)"]
    ways: dict[tuple[str, str], list[str]] = {}
    for row in moved:
        ways.setdefault((row["encoder"], row["from"]), []).append(f"{row['layer']} {row['distance']:.2f}")
    lines += [f"{one}, from {other}: {', '.join(each)}." for (one, other), each in ways.items()] or [
        "No trained encoder is here together with what its training began with."]
    lines += ["", *(f"Note: {note}" for note in facts["notes"])]
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="    ") for line in lines) + "\n"


def _in_short(rows, last):
    """How many codes are clearly better and worse than random weights."""
    compared = [row for row in rows if row["layer"] == last[row["encoder"]] and row["over_random"] is not None]
    if not compared:
        return "No random weights of the same architecture were compared."
    clear = [row["over_random"] for row in compared if row.get("over_random_holm", 1) < _CLEAR]
    better, worse = sum(each > 0 for each in clear), sum(each < 0 for each in clear)
    return (f"In short: of {len(compared)} trained codes {better} "
            f"{'is' if better == 1 else 'are'} clearly better than random weights, {worse} clearly worse.")


def _ends(found, digits=2):
    if found["value"] is None:
        return "not known, since a layer says the same of all clips"
    return f"{found['value']:.{digits}f} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"


def _similarity(each):
    text = f"{each['one']} and {each['other']}: {_ends(each['cka'])}"
    if "random" not in each:
        return f"{text}."
    over = each["over_random"]
    verdict = ("" if over["value"] is None else " They share more than random weights do." if over["low"] > 0 else
               " They share less than random weights do." if over["high"] < 0 else
               " That is no more than random weights share.")
    return f"{text}. The same with random weights: {_ends(each['random'])}, difference {_ends(over)}.{verdict}"


def _score(row):
    names = {"f1_macro": "macro F", "r2": "R2"}
    text = f"{row['encoder']}: {names[row['score']]} {_ends(row)}"
    for name, words in (("input", "the mean spectrum"), ("random", "random weights")):
        if row[f"over_{name}"] is not None:
            found = {key: row[f"over_{name}{end}"] for key, end in (("value", ""), ("low", "_low"), ("high", "_high"))}
            p = row.get(f"over_{name}_holm")
            clear = p is not None and p < _CLEAR
            kind = ("better than" if found["value"] > 0 else "worse than") if clear else "no clear difference from"
            text += f"; {kind} {words} ({_signed(found)}{'' if p is None else f', Holm p {p:.3f}'})"
    return f"{text}."


def _signed(found):
    return f"{found['value']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"


def _spectra(rows):
    """What the mean spectra say, each representation once."""
    kinds = {(row["units"], row["value"]): row for row in rows if row["layer"] == "input"}
    return "Mean spectra: " + ", ".join(f"{_ends(row)} ({row['units']} values)" for row in kinds.values()) + "."


def _at_chance(rows, last, random):
    values = [row["value"] for row in rows if row["encoder"] in random and row["layer"] == last[row["encoder"]]]
    chance = max(row["chance"] for row in rows)
    text = f"Chance: {chance:.2f}." if rows[0]["score"] == "f1_macro" else "The mean of all clips: 0."
    return text + (f" Codes of random weights: {min(values):.2f} to {max(values):.2f}." if values else "")
