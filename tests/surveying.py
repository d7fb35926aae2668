"""Settings for a folder of corpora, and what `corpora.py` says of it."""

import settings
from mer import config
from mer.inventory import survey


def make_config(folder, *overrides, environ=None):
    return config.load(settings, environ or {}, [f"path_to_data={folder}", f"path_to_features={folder / 'features'}",
                                                 "extract_jobs=1", *overrides])


def described(folder, *overrides):
    return {about["name"]: about for about in survey.describe(survey.chosen(), make_config(folder, *overrides))}
