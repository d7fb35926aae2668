"""The page of app.py: its server, and the page itself in a real headless Chromium."""

import csv
import json
import re
import shutil
import signal
import urllib.error
import urllib.request

import numpy as np
import pytest
from conftest import ROOT

from mer.tasks import PUBLISHED

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install -r requirements-predict.txt")
pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-export.txt")

import app_files
from app_files import SECONDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return app_files.write_folder(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def expected(folder):
    return app_files.predicted(folder)


# ---- the server

@pytest.fixture(scope="module")
def address(folder):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -r requirements-app.txt")
    (folder / "tmp").mkdir()
    process, address = app_files.start(folder)
    yield address
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 0 and "Traceback" not in said and "it wants to go" not in said, said
    assert not list((folder / "tmp").glob("mer_app_*")), "the uploads were left behind"


def test_a_taken_port_is_said(address):
    done = app_files.run_app("--no-browser", "--port", address.rpartition(":")[2])
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().endswith("choose another one with --port")


@pytest.mark.parametrize("path", ["/gradio_api/file=" + str(ROOT / "settings.py"), "/gradio_api/file=/etc/hostname",
                                  "/gradio_api/file=http://127.0.0.1:1/x"])
def test_other_files_and_addresses_are_refused(address, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address + path, timeout=20)
    assert refused.value.code == 403


def test_other_host_names_are_refused(address):
    def status(host):
        request = urllib.request.Request(address, headers={"Host": host})
        try:
            return urllib.request.urlopen(request, timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code

    port = address.rpartition(":")[2]
    assert [status(f"{host}:{port}") for host in ("localhost", "evil.example", "127.0.0.1.evil.example")] \
        == [200, 403, 403]


@pytest.mark.parametrize("origin, status", [(None, 200), ("", 200), ("http://evil.example", 403), ("null", 403)])
def test_uploads_of_other_pages_are_refused(address, origin, status):
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\nx\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if origin is not None:
        headers["Origin"] = origin or address
    request = urllib.request.Request(f"{address}/gradio_api/upload", data=form, headers=headers)
    try:
        assert urllib.request.urlopen(request, timeout=20).status == status
    except urllib.error.HTTPError as error:
        assert error.code == status


# ---- the page in Chromium

@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: "
                              "pip install -r requirements-test.txt")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if not executable:
        pytest.skip("chromium is not installed: on Debian, apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[
            "--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """The page, opened; afterwards no request may have left this machine and no script failed."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page, asked, failed = context.new_page(), [], []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".song[data-state=empty]")
    page.wait_for_selector("#song-input input[type=file]", state="attached")
    yield page
    context.close()
    assert len(asked) > 5 and failed == []
    assert [url for url in asked if not url.startswith((address + "/", "data:", "blob:"))] == []


def upload(page, path, state):
    page.set_input_files("#song-input input[type=file]", path)
    page.wait_for_selector(f".song[data-state={state}]", timeout=30_000)


def marker(page):
    """Valence and arousal of the marker, from its place in the picture."""
    place = page.locator(".song-plane .marker")
    return [(float(place.get_attribute("cx")) - 46) / 190 - 1, 1 - (float(place.get_attribute("cy")) - 26) / 190]


def at(expected, seconds):
    """Valence and arousal between the middles of the patches."""
    middles = expected.times_seconds + expected.patch_seconds / 2
    return [np.interp(seconds, middles, expected.valence), np.interp(seconds, middles, expected.arousal)]


def seek(page, seconds):
    page.evaluate(f"document.querySelector('.song-audio').currentTime = {seconds}")
    page.wait_for_function(f"document.querySelector('.song-now b').textContent.startsWith('0:{int(seconds):02d}')")


def test_numbers_and_pictures_of_a_song(page, folder, expected):
    upload(page, folder / "a song & <b>.wav", "result")
    assert page.inner_text(".song-name").startswith("a song &")
    assert "Tiny 0, Full, English speech → English music" in page.inner_text(".song-model")
    assert page.locator(".song-plane .point").count() == len(expected.times_seconds)
    assert page.locator(".song-taggram canvas").count() == len(PUBLISHED)
    rows = {row[0]: row[1] for row in (line.split("\t") for line in page.inner_text(".song-numbers tbody").split("\n"))}
    for task in PUBLISHED:
        for name, mean in zip(task.classes, expected.mean[task.name], strict=True):
            assert float(re.match(r"\d+", rows[name])[0]) == pytest.approx(100 * mean, abs=0.51)
    assert float(rows["Arousal"].replace("−", "-")) == pytest.approx(expected.arousal.mean(), abs=0.006)
    colours = page.evaluate("""[...document.querySelectorAll('.song-taggram canvas')].map((canvas) =>
        new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size)""")
    assert min(colours) > 4, "a heat map is empty"


def test_the_marker_follows_the_song(page, folder, expected):
    upload(page, folder / "a song & <b>.wav", "result")
    for seconds in (7.25, 2.5):
        seek(page, seconds)
        assert marker(page) == pytest.approx(at(expected, seconds), abs=0.01)
        left = page.locator(".song-strips .cursor").first.evaluate("(cursor) => parseFloat(cursor.style.left)")
        assert left == pytest.approx(100 * seconds / SECONDS, abs=0.1)
    page.evaluate("document.querySelector('.song-audio').play()")
    page.wait_for_function("document.querySelector('.song-now b').textContent.startsWith('0:04')", timeout=20_000)
    page.evaluate("document.querySelector('.song-audio').pause()")
    page.wait_for_timeout(300)
    heard = page.evaluate("document.querySelector('.song-audio').currentTime")
    assert marker(page) == pytest.approx(at(expected, heard), abs=0.02)
    strip = page.locator(".song-strips .heat").first
    strip.click(position={"x": strip.bounding_box()["width"] * 0.75, "y": 5})
    assert page.evaluate("document.querySelector('.song-audio').currentTime") == pytest.approx(9, abs=0.1)


def test_downloads(page, folder, expected, tmp_path):
    upload(page, folder / "a song & <b>.wav", "result")
    for kind in ("csv", "json"):
        button = page.get_by_role("button", name=f"Download {kind}")
        with page.expect_download() as download:
            button.click()
        download.value.save_as(tmp_path / f"song.{kind}")
        assert download.value.suggested_filename.endswith(f".{kind}")
    with open(tmp_path / "song.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row["valence"]) for row in rows], expected.valence, atol=1e-5)
    summary = json.loads((tmp_path / "song.json").read_text())
    assert summary["mean"]["quadrants"]["Q3"] == pytest.approx(expected.mean["quadrants"][2], abs=1e-5)
    assert str(folder) not in (tmp_path / "song.json").read_text()


def test_another_language_and_the_demo_model(page, folder):
    upload(page, folder / "a song & <b>.wav", "result")
    first = page.inner_text(".song-numbers tbody")
    page.get_by_label("What the encoder heard").focus()
    page.get_by_role("option", name="Mandarin").wait_for()
    page.keyboard.press("ArrowDown")
    page.locator("[role=option].active", has_text="Mandarin").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.song-model').textContent.includes('Tiny 1')", timeout=30_000)
    assert page.get_by_label("Language of the music").input_value() == "Mandarin"
    assert page.get_by_label("Model").input_value() == "Demo model: Tiny 1, Full, run 0"
    assert "synthetic sound only" in page.inner_text(".song-notice")
    assert page.inner_text(".song-numbers tbody") != first


def test_a_broken_file_shows_its_sentence_and_the_page_goes_on(page, folder):
    upload(page, folder / "broken.wav", "error")
    sentence = page.get_by_role("alert").filter(has_text="broken.wav").inner_text()
    assert sentence.endswith(".") and "Traceback" not in sentence and "mer_app" not in sentence
    assert page.get_by_role("button", name="Download csv").is_disabled()
    page.get_by_label("Clear").click()
    page.wait_for_selector(".song[data-state=empty]")
    upload(page, folder / "silent.wav", "result")
    assert "is silent" in page.inner_text(".song-words") and not page.locator(".song-plane").is_visible()


def test_a_file_that_is_too_large_is_refused(page, folder):
    page.set_input_files("#song-input input[type=file]", folder / "large.wav")
    page.get_by_text(re.compile("maximum allowed size")).first.wait_for(timeout=20_000)
    assert page.get_attribute(".song", "data-state") == "empty"


def test_a_file_that_the_browser_cannot_play_has_a_slider(page, folder):
    upload(page, folder / "old.aiff", "result")
    slider = page.locator(".song-scrub input")
    slider.wait_for(state="visible")
    before = marker(page)
    slider.fill("2.5")
    assert page.inner_text(".song-now").startswith("0:02") and marker(page) != before


def test_a_recording_is_heard(page):
    page.get_by_label("Record audio").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(3000)
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.wait_for_selector(".song[data-state=result]", timeout=30_000)
    assert page.locator(".song-plane .point").count() >= 1
    page.wait_for_function("Number.isFinite(document.querySelector('.song-audio').duration)")


CONTRASTS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let up = node; up; up = up.parentElement) {
      const colour = channels(getComputedStyle(up).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('.page-head *, .song *, .block :is(label, span, input, p)')];
  return texts.filter((node) => node.checkVisibility() && (node.value || [...node.childNodes].some((child) =>
      child.nodeType === 3 && child.textContent.trim())))
    .map((node) => {
      const style = getComputedStyle(node), svg = node instanceof SVGElement;
      const pair = [light(channels(svg ? style.fill : style.color)), light(ground(node))].sort((a, b) => b - a);
      return [node.textContent.trim() || node.value, (pair[0] + 0.05) / (pair[1] + 0.05)];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_modes_and_fits_a_phone(chromium, address, folder, scheme):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#song-input input[type=file]", state="attached")
    upload(page, folder / "a song & <b>.wav", "result")
    page.wait_for_timeout(500)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    assert [(text, round(ratio, 1)) for text, ratio in contrasts if ratio < 4.5] == []  # WCAG 2.2, 1.4.3
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_every_control_has_a_name_and_takes_the_focus(page, folder):
    upload(page, folder / "a song & <b>.wav", "result")
    names = page.evaluate("""[...document.querySelectorAll('button, input, audio, select')]
        .filter((one) => one.checkVisibility()).map((one) => one.ariaLabel || one.textContent.trim()
            || [...(one.labels || [])].map((label) => label.textContent.trim()).join() || one.title)""")
    assert len(names) >= 7 and all(names), names
    page.locator(".song-audio").focus()
    page.keyboard.press("ArrowRight")  # the player's own key
    page.wait_for_function("document.querySelector('.song-audio').currentTime > 0")
