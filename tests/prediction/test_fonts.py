"""Titles of any script get an installed font that has the letters, or one warning that names a package."""

import pytest
from matplotlib import font_manager

from mer.prediction import fonts

TITLES = {"夜曲 – 周杰倫": "fonts-noto-cjk", "アイドル": "fonts-noto-cjk", "봄날": "fonts-noto-cjk",
          "ไทย": "fonts-noto-core",
          "party 🎉": "fonts-symbola"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(fonts, "_warned", [])
    caches = fonts._chosen, fonts._installed
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def installed(monkeypatch):
    """Function: names of made-up fonts with the letters that they have."""
    real = fonts._characters

    def install(**letters):
        monkeypatch.setattr(fonts, "_installed", lambda: [(name, name) for name in letters])
        monkeypatch.setattr(fonts, "_characters", lambda path: frozenset(letters[path]) if path in letters
                            else real(path))
    return install


@pytest.mark.parametrize("title", TITLES)
def test_without_a_font_one_warning_names_the_package(title, installed, capsys):
    installed(Other="xyz")
    assert fonts.families(title) == ["DejaVu Sans"]
    fonts.warn_of_boxes(title)
    fonts.warn_of_boxes(title)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and f"apt-get install {TITLES[title]}'" in printed


def test_fonts_that_have_the_letters_are_chosen(installed, capsys):
    installed(First="夜", Second="夜曲周杰倫", Third="🎉")
    assert fonts.families("夜曲 🎉") == ["DejaVu Sans", "Second", "Third"]
    assert fonts.families("夜") == ["DejaVu Sans", "First"]
    assert fonts.missing("夜曲春") == "春"
    fonts.warn_of_boxes("夜曲 🎉️‍")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("title", ["song.mp3", "Für Élise", "Подмосковные вечера", "أغنية", "Ελλάδα", "",
                                   "a\u200d\ufe0f"])
def test_what_matplotlib_brings_needs_no_search(title, monkeypatch, capsys):
    monkeypatch.setattr(fonts, "_installed", lambda: pytest.fail("searched"))
    assert fonts.families(title) == ["DejaVu Sans"]
    fonts.warn_of_boxes(title)
    assert capsys.readouterr().err == ""


def test_broken_fonts_stop_nothing(tmp_path, monkeypatch):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "broken.ttf")])
    assert fonts.families("\U0003fffd") == ["DejaVu Sans"]
    assert fonts._characters(str(tmp_path / "broken.ttf")) == frozenset()
