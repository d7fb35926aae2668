"""The list of the corpora as people read it: a block for each, then a table of all."""

import shutil
import textwrap

LABEL_WIDTH = 15
WIDEST = 120
SHOWN = 3  # files left out, per corpus


def number(value):
    """1087 -> "1 087", as the documents write it."""
    return f"{value:,}".replace(",", " ")


def block(about):
    """The lines of one corpus.

    Parameters
    ----------
    about : dict
        From `mer.inventory.survey.describe`.

    Returns
    -------
    str
    """
    kind = about["kind"] if about["is_music"] else "with labels of emotion"
    lines = [f"{about['name']}, {about['language'].capitalize()} {kind} ({about['flags']}): {state(about)}"]
    rows = [("folder", about.get("folder") or ""), ("problem", about["problem"] if about.get("folder") else ""),
            ("looked for", "" if about.get("folder") else about.get("looked_for", about["problem"]))]
    rows += _found(about) if about["usable"] else []
    rows += [("how to get it", about["how_to_get"]), ("then", "" if about.get("folder") else _then(about))]
    rows += [("licence", about["licence"]), ("home page", about["home_page"]), ("citation", about["citation"])]
    return "\n".join(lines + [_row(label, text) for label, text in rows if text])


def state(about):
    """Whether a corpus is ready, there but of no use, or not there."""
    return "ready" if about["usable"] else "cannot be used" if about.get("folder") else "not found"


def _row(label, text):
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    return textwrap.fill(text, width, initial_indent=f"    {label:<{LABEL_WIDTH}}", break_long_words=False,
                         subsequent_indent=" " * (LABEL_WIDTH + 4), break_on_hyphens=False)


def _then(about):
    own = f", or {about['setting']} = its own folder" if about.get("setting") else ""
    return f"in settings.py, path_to_data = the folder that holds it{own}" if "setting" in about else ""


def _found(about):
    if "parts_of" in about:
        return [("hours", f"{about['hours']:.2f}, equal hours of {' and '.join(about['parts_of'])}")]
    rows = [("clips", _clips(about)), ("classes", _named(about.get("classes", {}))),
            (_plural(about["grouped_by"], 0), _groups(about)), ("split", _named(about.get("splits", {})))]
    rows += [("" if i else "parts", _part(name, part)) for i, (name, part) in enumerate(about["parts"].items())]
    return rows + [("" if i else "left out", text) for i, text in enumerate(_left_out(about["skipped"]))]


def _clips(about):
    expected = f" of {number(about['expected_clips'])}" if about["expected_clips"] else ""
    text = f"{number(about['clips'])}{expected}, {about['hours']:.2f} h"
    if "seconds" in about:
        least, median, most = (f"{about['seconds'][name]:.1f}" for name in ("least", "median", "most"))
        text += f", {median} s each" if least == most else f", of {least} to {most} s, median {median} s"
    if about["no_header"]:
        text += f"; {number(about['no_header'])} cannot be read: see --check"
    return text


def _named(counts):
    return ", ".join(f"{name} {number(count)}" for name, count in counts.items())


def _groups(about):
    text = number(about["groups"])
    if about["grouped_by"] == "clip":
        return f"{text}, each its own group: no artists or songs are known"
    return text + (f" ({about['about_groups']})" if about["about_groups"] else "")


def _part(name, part):
    return (f"{name}: {number(part['clips'])} of {number(part['expected_clips'])} clips, "
            f"{number(part['groups'])} of {number(part['expected_groups'])} speakers")


def _left_out(skipped):
    """Lines: how many, the first of them, how many more."""
    if not skipped:
        return ["nothing"]
    lines = [f"{name}: {reason}" for name, reason in skipped[:SHOWN]]
    lines[0] = f"{number(len(skipped))}, {'for example ' * (len(skipped) > SHOWN)}{lines[0]}"
    return lines + [f"... and {number(len(skipped) - SHOWN)} more: --json has all"] * (len(skipped) > SHOWN)


def table(abouts):
    """One line per corpus under a header: flags, name, state, clips, hours, groups, licence."""
    rows = [("flags", "corpus", "state", "clips", "hours", "groups", "licence"), *map(_cells, abouts)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) if i in (3, 4) else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
                     for row in rows)


def _cells(about):
    clips = number(about["clips"]) if "clips" in about else "-"
    hours = f"{about['hours']:.2f}" if "hours" in about else "-"
    groups = f"{number(about['groups'])} {_plural(about['grouped_by'], about['groups'])}" if "clips" in about else "-"
    return about["flags"], about["name"], state(about), clips, hours, groups, about["licence"]


def _plural(word, count):
    return word if count == 1 else f"{word}s"
