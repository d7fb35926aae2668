"""How scripts start and end: one sentence where the environment, a flag or a file is wrong, never a traceback."""

import io
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from test_layout import SCRIPTS

from mer import MerError, cli


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("flags", [["-h"], []])
def test_outside_the_environment_each_script_says_what_to_run(name, flags):
    ended = subprocess.run([sys.executable, "-S", f"{name}.py", *flags], cwd=ROOT, capture_output=True, text=True,
                           timeout=60)
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.startswith("error: numpy is not installed") and ended.stderr.count("\n") == 1
    assert "source .venv/bin/activate" in ended.stderr or "pip install -r requirements.txt" in ended.stderr


def test_an_old_python_gets_a_sentence():
    code = "import runpy, sys; sys.version_info = (3, 8, 1); sys.argv = ['report.py']; runpy.run_path('report.py')"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1
    assert "this is Python 3.8" in ended.stderr and "3.11 or newer is needed" in ended.stderr


def ending(main, monkeypatch, capsys):
    """(exit status, stderr) of a script with this `main`."""
    monkeypatch.setattr(sys, "argv", ["script.py"])
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with pytest.raises(SystemExit) as caught:
        cli.run(main)
    return caught.value.code, capsys.readouterr().err


def raising(error):
    def main():
        raise error
    return main


@pytest.mark.parametrize("error, words", [
    (MerError("a\x1b[2J\u202eb"), "error: a\\x1b[2J\\u202eb\n"),
    (ModuleNotFoundError("No module named 'gradio'", name="gradio"), "requirements-app.txt"),
    (ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime"), "onnxruntime is not installed"),
    (ModuleNotFoundError("No module named 'h5py._errors'", name="h5py._errors"), "h5py is not installed"),
    (ModuleNotFoundError("No module named 'mer.tasks'", name="mer.tasks"), "get the program again"),
    (ImportError("libGL.so.1: cannot open shared object file"), "libGL.so.1"),
    (MemoryError("Unable to allocate 3.9 TiB"), "not enough memory (Unable to allocate 3.9 TiB)"),
    (MemoryError(), "not enough memory"),
    (PermissionError(13, "Permission denied", "/somewhere/\x1b[2Jx"), "Permission denied"),
    (OSError(36, "File name too long", "x" * 300), "File name too long"),
])
def test_known_errors_end_in_one_sentence(error, words, monkeypatch, capsys):
    status, printed = ending(raising(error), monkeypatch, capsys)
    assert status == 1 and words in printed and "Traceback" not in printed
    assert printed.count("\n") == 1 and printed.startswith("error: ") and printed[:-1].isprintable()


def test_what_scripts_print_acts_on_no_terminal(monkeypatch, capsys):
    def main():
        print("left out: \x1b]0;owned\x07\u202e.mp3: 夜曲\nnext", "a\rforged", file=sys.stderr)
        sys.stderr.write("\r50%|█  | song\r")
        sys.stderr.writelines(["\x9b2J\n"])
    _, printed = ending(main, monkeypatch, capsys)
    assert printed == "left out: \\x1b]0;owned\\x07\\u202e.mp3: 夜曲\nnext a\\rforged\n\r50%|█  | song\r\\x9b2J\n"


def test_letters_that_the_terminal_lacks_stop_nothing():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    screen = cli._Screen(stream)
    print("夜曲 \udcff", file=screen, flush=True)
    assert stream.buffer.getvalue() == b"\\u591c\\u66f2 \\udcff\n" and screen.encoding == "ascii"


@pytest.mark.parametrize("argv", [["--out", ""], ["--out", "~nosuchuser/x"], ["--out", "a\0b"], ["--out", "x" * 5000],
                                  ["--many", "a", ""], ["--hours", "1e-9"], ["--hours", "inf"], ["--hours", "nan"],
                                  ["--runs", "0"], ["--runs", "²"], ["--runs", "9" * 5000], ["--runs", "-1"],
                                  ["--runs", "1.5"]])
def test_flags_that_nothing_can_use_are_refused(argv, capsys):
    made = cli.parser("doc")
    made.add_argument("--runs", type=cli.whole_number)
    made.add_argument("--out")
    made.add_argument("--many", nargs="+")
    cli.add_hours(made, "hours")
    with pytest.raises(SystemExit) as caught:
        made.parse_args(argv)
    printed = capsys.readouterr().err
    assert caught.value.code == 2 and f"argument {argv[0]}: " in printed and len(printed) < 1000


def test_the_functions_that_a_command_enters_are_counted():
    done = subprocess.run([sys.executable, "tools/entered.py", "--list", "report.py", "-h"], cwd=ROOT, text=True,
                          capture_output=True)
    *each, total = done.stdout.splitlines()
    assert re.fullmatch(r"\d+ files with \d+ lines, \d+ functions entered", total), done.stderr
    counts = [int(line.split()[0]) for line in each if "functions, " in line]
    assert [len(counts), sum(counts)] == [int(total.split()[0]), int(total.split()[-3])]
    assert "parser" in "".join(each).split() and "start_keras" not in "".join(each).split()
