"""Which columns of a wide table hold ratings, and why the others do not.

Programs that run experiments and questionnaires write one row per trial with much beside the ratings: counters, times,
ids, devices and who the rater is. The names are those of jsPsych, PsychoPy, Qualtrics, LimeSurvey, Gorilla, REDCap,
Prolific and Mechanical Turk, in `mer.tables.read`'s spelling (lower case, blanks as "_").
"""

import re
from dataclasses import dataclass

import numpy as np

from mer.tables import missing

# A column is none of ratings where one of these is a word of its name ("key_resp.rt", "Age group").
_WORDS = frozenset("""
    id ids uid uuid pid index idx no nr number counter row rows line seed token hash code key keys button buttons mouse
    click clicks count cursor coordinate coordinates latitude longitude loc ip ipaddress ipaddr email mail url referer
    refurl user useragent agent browser device platform os version versions language lang locale locality
    rt rts latency reaction timestamp time times timing date day month year hour minute second seconds ms msec duration
    elapsed onset offset started stopped start stop end begin began finish finished submit submitted recorded created
    updated deadline timeout timezone interviewtime
    trial trials block blocks session sessions run runs rep reps repetition order position page screen step stage
    phase task part condition group cohort wave list version experiment expname exp study batch status progress
    complete completed attempt attempts frame frames framerate ran
    correct corr accuracy incorrect check attention catch consent
    age ages gender sex ethnicity race nationality country region city birth birthday born occupation employment
    education school degree profession student income religion handedness hearing training years musician
    musicianship instrument instruments demographic demographics
    confidence confident certainty certain sure difficulty effort ease familiarity familiar known knows recognised
    recognized recognition liking like likes liked preference preferred
    dislike dislikes disliked
    comment comments note notes remark remarks feedback text reason why
    filename file files path stimulus stimuli stim audio video image sound title artist album genre name names
    volume loudness headphones plugin
    alter geschlecht land sprache dauer datum uhrzeit kommentar sitzung durchgang reihenfolge
    âge sexe genre durée pays langue commentaire edad sexo género idioma fecha duración comentario
    yaş cinsiyet ülke dil süre tarih yorum 年龄 年齡 性别 性別 国家 國家 语言 語言 时间 時間 时长 日期
    序号 序號 编号 編號 备注 備註 用时 年齢 возраст пол страна язык время дата комментарий
""".split())  # noqa: SIM905
# The same words without a gap ("trialindex", "startdate", "sessionid"), and the programs' own names.
_COMPOUND = re.compile(
    r"(response|worker|hit|assignment|participant|subject|user|session|trial|run|study|prolific|record|clip|song|track|"
    r"stimulus|item|rater|experiment|task|block|group|event|import|device|private|public|completion|row|survey|sona|node|"
    r"exp)_?(id|ids|index|idx|no|nr|number|num|code|name|type|count|counter|order|time|date|start|end)"
    r"|(start|end|stop|submit|record|recorded|finish|create|created|completion|reaction|response|inter|view|page|total|"
    r"group|question|work|click|load|save|elapsed)_?(time|times|date|stamp|datestamp|timestamp|duration|language|rt|"
    r"count|page)s?\d*|q\d+_?time"
    r"|.*(timestamp|duration|elapsed|latency|useragent|ipaddress).*|worktimeinseconds|.*inseconds|lastpage|datestamp"
    r"|distributionchannel|externalreference|userlanguage|startlanguage|recipient.*|location(latitude|longitude)"
    r"|q_(recaptcha|relevantid|duplicate|ballotbox|fraud|language|total|terminate|url|data).*"
    r"|internal_node.*|.*_node_id|this(n|repn|trialn|index|row).*|psychopyversion|framerate|expname|unnamed.*"
    r"|redcap_.*|input\..*|approval.*|.*approvals?|.*approvalrate|target_.*|understands_.*|quadrant_of_.*"
    r"|.*\.(rt|started|stopped|keys|corr|this\w+|x|y|t|ran|order|time|clicked_name|\w+button|history)"
    r"|view_history|viewhistory|source_code_version|accept_language|test_part|failed_\w+|slider_start|question_order")
_UNLIKE_A_SCALE = 1001  # whole numbers that spread wider are milliseconds, sizes or counters
_LEAST_ROWS = 10        # below, what the values look like tells nothing
_LEAST_RATERS = 3
_REASONS = {"name": "by its name", "words": "words", "empty": "empty", "constant": "one value", "counter": "a counter",
            "unlike a scale": "wider than a scale", "of the rater": "one value for each rater"}


@dataclass(frozen=True)
class LeftOut:
    """A column that holds no ratings.

    Attributes
    ----------
    column : str
    code : {"name", "words", "empty", "constant", "counter", "unlike a scale", "of the rater"}
    """

    column: str
    code: str

    def __str__(self):
        return f"{self.column} ({_REASONS[self.code]})"


def split(table, candidates, rater):
    """Columns with ratings, and the others.

    Parameters
    ----------
    table : mer.tables.Table
    candidates : sequence of str
        Columns that are neither clip, rater nor language.
    rater : str
        The column of raters.

    Returns
    -------
    ratings : list of str
        Those of numbers; where none holds numbers, those of words.
    left_out : list of LeftOut
    """
    codes = {name: _code(table, name, rater) for name in candidates}
    ratings = [name for name, code in codes.items() if not code]
    if not ratings:
        ratings = [name for name, code in codes.items() if code == "words"]
    return ratings, [LeftOut(name, code) for name, code in codes.items() if name not in ratings]


def is_of_ratings(name):
    """Whether a column's name may be that of an emotion."""
    tokens = re.split(r"[\W\d_]+", name)
    return bool(name) and not _COMPOUND.fullmatch(name) and not _WORDS.intersection(tokens)


def _code(table, name, rater):
    """Why a column holds no ratings; "" where it may."""
    if not is_of_ratings(name):
        return "name"
    given = [(cells[rater], cells[name]) for _, cells in table.rows if not missing.is_missing(cells[name])]
    numbers = [(who, table.number(text)) for who, text in given if is_number(table, text)]
    if not given:
        return "empty"
    if len(numbers) <= len(given) / 2:
        return "words"
    values = np.array([value for _, value in numbers])
    if len(values) < _LEAST_ROWS:
        return ""
    return _looks(values, [who for who, _ in numbers])


def _looks(values, raters):
    """What numbers look like that are no ratings; "" where they may be."""
    whole = np.all(values == np.rint(values))
    different = np.unique(values)
    if len(different) == 1:
        return "constant"
    if whole and len(different) == len(values) and np.ptp(values) == len(values) - 1:
        return "counter"
    if whole and np.ptp(values) >= _UNLIKE_A_SCALE:
        return "unlike a scale"
    of_rater = {}
    for who, value in zip(raters, values, strict=True):
        of_rater.setdefault(who, set()).add(value)
    if len(of_rater) >= _LEAST_RATERS and len(values) >= 3 * len(of_rater) and all(
            len(own) == 1 for own in of_rater.values()):
        return "of the rater"
    return ""


def holds_numbers(table, name):
    """Whether a column has at least one number."""
    return any(is_number(table, cells[name]) for _, cells in table.rows)


def is_number(table, text):
    """Whether a cell is a finite number."""
    try:
        return bool(np.isfinite(table.number(text)))
    except ValueError:
        return False
