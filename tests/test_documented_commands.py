"""Every command that the documentation shows is one that the scripts take, and every such script runs in a test."""

import argparse
import importlib.util
import itertools
import re
import shlex
import sys

import pytest
from conftest import ROOT

from mer import cli

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
STARTS = ("python3 ", "pip ", "pip3 ", "bash ")


def documented():
    """(page, words) of every command in a code block; comments are left out, and so is what a shell redirects."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                for part in line.strip().removeprefix("PYTHONPATH=. ").split(" && "):
                    if part.startswith(STARTS):
                        words = shlex.split(part.partition(" > ")[0], comments=True)
                        yield pytest.param(words, id=f"{page.name}: {' '.join(words)}")


COMMANDS = list(documented())


class Parsed(Exception):
    """The flags were read: the script would begin its work now."""


def parsed(path, argv, monkeypatch):
    """What the parser of a script makes of `argv`; the script stops there."""
    def parse(self, args=None, namespace=None):
        raise Parsed(original(self, args, namespace))

    original = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(cli._Parser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [str(path), *argv])
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(Parsed) as caught:
        module.main()
    return caught.value.args[0]


def test_the_documentation_shows_commands():
    assert len(COMMANDS) > 40 and {"README.md", "scripts.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_documented_command_is_one_that_the_script_takes(words, monkeypatch):
    program, *argv = words
    if program in ("pip", "pip3"):
        assert argv[0] == "install"
        assert all((ROOT / name).is_file() for flag, name in itertools.pairwise(argv) if flag == "-r")
    elif program == "bash":
        assert (ROOT / argv[0]).is_file()
    elif argv[0] == "-m":
        assert argv[1] in ("venv", "pytest", "build")
    else:
        values = parsed(ROOT / argv[0], argv[1:], monkeypatch)
        if getattr(values, "set", None):
            cli.configure(values.set)  # refuses names that settings.py does not have, and values beyond their limits


def test_every_documented_script_runs_in_a_test_or_in_the_demo():
    runs = "\n".join(path.read_text(encoding="utf-8") for path in [*ROOT.glob("tests/**/*.py"), ROOT / "demo.sh"]
                     if path.name != "test_documented_commands.py")
    scripts = {command.values[0][1] for command in COMMANDS if command.values[0][0] == "python3"} - {"-m"}
    for script in scripts:
        name = script.rpartition("/")[2].removesuffix(".py")
        calls = rf"{name}\.py|script\(\s*\"{name}\"|bench\(\"{name}\"|import {name}\b|{name}\.main"
        assert re.search(calls, runs), f"nothing runs {script}"
