"""Features of the published program: small files in its layout, with what goes wrong in them."""

import h5py
import hostile_hdf5
import numpy as np
import pytest

from mer import MerError
from mer.data import imported, store
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel

SETTINGS = imported.SETTINGS
MUSIC = "Songs,Quads,Arousal,Valence\n" + "".join(
    f"./Q{i % 4 + 1}/song {i}.mp3,Q{i % 4 + 1},A{'++--'[i % 4]},V{'+--+'[i % 4]}\n" for i in range(12))


def log_mel(number, frames=100):
    """Log-mel of clip `number`, (frames, 128), float32."""
    return np.random.default_rng(number).normal(-5, 2, (frames, 128)).astype(np.float32)


def patches(frames, *, hop=15, width=31):
    """As the published program cuts them: (n, 1, 128, 31)."""
    return Chunks(LogMel(), 1.0, width).cut(frames, hop)[..., 0][:, None]


def write(folder, sides, *, csv=MUSIC, name="annotations.csv", dtype=np.float32, **more):
    """A folder of features; `sides` maps side to row numbers, `more` names further data sets of the training file."""
    folder.mkdir(parents=True, exist_ok=True)
    if csv is not None:
        (folder / name).write_text(csv, encoding="utf-8")
    for side, numbers in sides.items():
        with h5py.File(folder / f"{side}_dataset.h5py", "w") as file:
            for number in numbers:
                file.create_dataset(str(number), data=patches(log_mel(number)).astype(dtype))
            for key, data in more.items() if side == "train" else ():
                file.create_dataset(key.strip("_"), data=data)
    return folder


def read(folder, kind="music", **options):
    return imported.read(folder, kind=kind, settings=SETTINGS, **options)


WHOLE = {"train": range(6), "val": range(6, 8), "test": range(8, 12)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frames_labels_and_sides_come_back(tmp_path, dtype):
    found = read(write(tmp_path / "f", WHOLE, dtype=dtype))
    assert [clip.id for clip in found.clips] == sorted(f"Q{i % 4 + 1}/song {i}.mp3" for i in range(12))
    assert found.skipped == () and found.grouped_by == "clip" and found.gap is None
    for clip, row, frames in zip(found.clips, found.rows, found.log_mel, strict=True):
        number = int(clip.id.split()[1].split(".")[0])
        wanted = log_mel(number)[:15 * 4 + 31]  # five whole patches fit into 100 frames
        np.testing.assert_array_equal(frames, wanted)
        assert frames.dtype == np.float32 and row["n_rows"] == len(frames) == 91
        assert row["seconds"] == 90 * 512 / 16000
        assert clip.quadrant == row["label"] == f"Q{number % 4 + 1}" and clip.arousal is None
        assert clip.split == ("train" if number < 6 else "val" if number < 8 else "test")


def test_the_store_holds_what_was_imported_and_cuts_the_same_patches(tmp_path):
    found = read(write(tmp_path / "f", WHOLE))
    path = tmp_path / "music.h5"
    written = store.write(path, clips=found.rows, rows=found.log_mel, skipped=found.skipped, of=LogMel(),
                          attributes={"grouped_by": found.grouped_by})
    made = store.read(path, of=LogMel())
    assert (written.ids, written.skipped, written.attributes) == (made.ids, made.skipped, made.attributes)
    assert all(list(written.columns[name]) == list(column) for name, column in made.columns.items() if name not in (
        "arousal", "valence")) and written.columns.keys() == made.columns.keys()
    np.testing.assert_array_equal(written.rows, made.rows)
    assert made.ids == [clip.id for clip in found.clips]
    clips = store.ClipSet.of_store(made, [clip.split for clip in found.clips])
    cut = clips.side("test").patches(Chunks(LogMel(), 1.0, 31), 15)
    assert len(cut) == 4 * 5
    with h5py.File(tmp_path / "f" / "test_dataset.h5py") as file:
        first = min(file, key=lambda name: f"Q{int(name) % 4 + 1}/song {name}.mp3")
        np.testing.assert_array_equal(cut.gather(np.arange(5))[..., 0], file[first][:, 0])


def test_overlapping_splits_are_reported_and_not_kept(tmp_path):
    found = read(write(tmp_path / "f", {"train": range(8), "val": range(8, 12), "test": [0, 3, 9]}))
    assert len(found.clips) == 12 and {clip.split for clip in found.clips} == {None}
    assert found.gap == {"split": "test", "shared": 3, "of": 3}


def test_overlapping_train_and_validation_are_reported_too(tmp_path):
    found = read(write(tmp_path / "f", {"train": range(8), "val": range(7, 10), "test": [10, 11]}))
    assert found.gap == {"split": "val", "shared": 1, "of": 3}
    assert {clip.split for clip in found.clips} == {None}


def test_speech_has_speakers_and_no_test_file(tmp_path):
    csv = "Songs\n./a/19-198-0001.flac\n./a/19-198-0002.flac\n./b/BAC009S0150W0001.wav\n"
    found = read(write(tmp_path / "f", {"train": [0, 2], "val": [1]}, csv=csv), kind="speech")
    assert [(clip.group, clip.quadrant, clip.split) for clip in found.clips] == [
        ("19", None, "train"), ("19", None, "val"), ("S0150", None, "train")]
    assert found.grouped_by == "speaker" and found.gap is None
    assert [row["label"] for row in found.rows] == [""] * 3
    other = read(write(tmp_path / "g", {"train": [0, 1]}, csv="Songs\n./19-198-1.flac\n./x.flac\n"), kind="speech")
    assert other.grouped_by == "clip" and [clip.group for clip in other.clips] == ["19-198-1.flac", "x.flac"]


def test_bom_semicolons_backslashes_and_a_csv_above(tmp_path):
    csv = "\ufeffSONGS;Quads;Artist\n.\\Q1\\été 1.mp3;1;A\n.\\Q2\\b.mp3;2;B\n"
    folder = write(tmp_path / "up" / "features", {"train": [0], "val": [1]}, csv=None)
    (tmp_path / "up" / "anno.csv").write_text(csv, encoding="utf-8")
    (tmp_path / "up" / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    found = read(folder)
    assert [(clip.id, clip.quadrant, clip.group) for clip in found.clips] == [
        ("Q1/été 1.mp3", "Q1", "A"), ("Q2/b.mp3", "Q2", "B")]
    assert found.grouped_by == "artist"


def test_a_given_csv_wins(tmp_path):
    folder = write(tmp_path / "f", {"train": [0, 1]})
    (tmp_path / "mine.csv").write_text("Songs,Quads\nx.mp3,Q4\ny.mp3,Q3\n", encoding="utf-8")
    found = read(folder, labels=str(tmp_path / "mine.csv"))
    assert [(clip.id, clip.quadrant) for clip in found.clips] == [("x.mp3", "Q4"), ("y.mp3", "Q3")]


def test_rows_of_a_subset_are_numbered_by_their_column(tmp_path):
    csv = ",Songs,Quads,orig_fid\n0,./a.mp3,Q1,7\n1,./b.mp3,Q2,3\n"
    found = read(write(tmp_path / "f", {"train": [3, 7]}, csv=csv))
    frames = dict(zip((clip.id for clip in found.clips), found.log_mel, strict=True))
    np.testing.assert_array_equal(frames["a.mp3"], log_mel(7)[:91])
    with pytest.raises(MerError, match="orig_fid should hold a different row number in each row, and holds 'x'"):
        read(write(tmp_path / "g", {"train": [3]}, csv=csv.replace("Q1,7", "Q1,x")))


@pytest.mark.parametrize("hop", [1, 10, 16, 30])
def test_another_overlap_is_recognised(tmp_path, hop):
    frames = log_mel(50)
    folder = write(tmp_path / "f", {"train": []}, _0=patches(frames, hop=hop))
    n = 1 + (100 - 31) // hop
    np.testing.assert_array_equal(next(read(folder).log_mel), frames[:(n - 1) * hop + 31])


def test_what_cannot_be_used_is_left_out_with_a_reason(tmp_path):
    spoiled = patches(log_mel(5)).copy()
    spoiled[2, 0, 7, 7] = np.nan
    csv = MUSIC.replace("./Q1/song 8.mp3,Q1", "./Q1/song 8.mp3,Q9")
    folder = write(tmp_path / "f", {"train": [1, 2], "val": [3]}, csv=csv,
                   _0=np.zeros((0, 1), np.float32), _4=np.zeros((3, 1, 64, 31), np.float32), _5=spoiled,
                   _6=np.random.default_rng(0).normal(size=(3, 1, 128, 31)), _7=np.zeros((3, 1, 128, 31), int),
                   _8=patches(log_mel(8)), _99=patches(log_mel(0)), _abc=patches(log_mel(0)), _01=patches(log_mel(1)))
    with h5py.File(folder / "train_dataset.h5py", "a") as file:
        file.create_group("10")
    found = read(folder)
    assert [clip.id for clip in found.clips] == ["Q2/song 1.mp3", "Q3/song 2.mp3", "Q4/song 3.mp3"]
    reasons = dict(found.skipped)
    for name, words in {"0": "holds no patch", "4": "the shape (3, 1, 64, 31) of float32, expected (n, 1, 128, 31)",
                        "5": "NaN or infinite", "6": "do not continue each other", "7": "of int64",
                        "8": "line 10 of the csv: quadrant 'Q9'", "99": "the csv has no row 99",
                        "abc": "not a row number",
                        "10": "no data set"}.items():
        assert words in reasons[f"train_dataset.h5py: {name}"]
    one = {name: reason for name, reason in reasons.items() if name.endswith((": 1", ": 01"))}
    assert len(one) == 1 and "row 1 is there under another name" in next(iter(one.values()))
    assert "line 13: no file has features under its number, 11" in reasons["Q4/song 11.mp3"]
    assert len(reasons) == 12  # row 9, which no file has, is among them


@pytest.mark.parametrize("name", sorted(hostile_hdf5.FILES.keys() - {"many_groups"}))  # a clip each
def test_features_that_lead_elsewhere_are_refused(tmp_path, name):
    folder = write(tmp_path / "f", {"train": [1, 2], "val": [3]})
    hostile_hdf5.write_other_files(folder)
    with h5py.File(folder / "train_dataset.h5py", "a") as file:
        hostile_hdf5.FILES[name](file, folder)
    with pytest.raises(MerError, match=r"train_dataset.h5py .*: get it again"):
        read(folder)


def test_one_row_with_two_sounds_is_told(tmp_path):
    folder = write(tmp_path / "f", WHOLE)
    with h5py.File(folder / "test_dataset.h5py", "a") as file:
        file.create_dataset("0", data=patches(log_mel(77)))
    assert dict(read(folder).skipped)["test_dataset.h5py: 0"] == "it is another sound than row 0 of train_dataset.h5py"


def test_a_clip_that_the_csv_names_twice_is_used_once(tmp_path):
    found = read(write(tmp_path / "f", {"train": [0, 1]}, csv="Songs,Quads\n./a.mp3,Q1\na.mp3,Q2\n"))
    assert [clip.quadrant for clip in found.clips] == ["Q1"]
    assert found.skipped == (("train_dataset.h5py: 1", "line 3 of the csv: a.mp3 is in line 2 already"),)


def _spoil(folder, name, data):
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("spoil, words", [
    (lambda folder: [path.unlink() for path in folder.glob("*.h5py")], "holds none of train_dataset.h5py, val_"),
    (lambda folder: _spoil(folder, "val_dataset.h5py", b"not hdf5"), "val_dataset.h5py is no HDF5 file"),
    (lambda folder: _spoil(folder, "train_dataset.h5py", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
     "train_dataset.h5py is a git-lfs pointer"),
    (lambda folder: _spoil(folder, "train_dataset.h5py", (folder / "train_dataset.h5py").read_bytes()[:3000]),
     "train_dataset.h5py is truncated or damaged"),
    (lambda folder: (folder / "annotations.csv").unlink(), "has no annotations: expected a csv with Songs and Quads"),
    (lambda folder: _spoil(folder, "annotations.csv", b"Songs\na.mp3\n"), "expected a csv with Songs and Quads"),
    (lambda folder: _spoil(folder, "more.csv", MUSIC.encode()), "several annotations (annotations.csv, more.csv)"),
    (lambda folder: _spoil(folder, "annotations.csv", MUSIC.replace("\n./Q3", "\n\n./Q3", 1).encode()),
     "annotations.csv, line 4: the line is empty"),
    (lambda folder: _spoil(folder, "annotations.csv", b"Songs,Quads\n"), "none of its clips can be used"),
])
def test_folders_that_cannot_be_read_are_told_in_one_sentence(tmp_path, spoil, words):
    folder = write(tmp_path / "f", WHOLE)
    spoil(folder)
    with pytest.raises(MerError) as error:
        read(folder)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_no_folder_no_csv_and_other_settings(tmp_path):
    with pytest.raises(MerError, match="is no folder: give the one that holds train_dataset.h5py"):
        read(tmp_path / "none")
    folder = write(tmp_path / "f", WHOLE)
    with pytest.raises(MerError, match="cannot be read"):
        read(folder, labels=tmp_path / "none.csv")
    _spoil(tmp_path, "lfs.csv", b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(MerError, match="lfs.csv is a Git LFS pointer"):
        read(folder, labels=tmp_path / "lfs.csv")
    with pytest.raises(MerError, match=r"published feature settings \(hop_samples 512, now 256\)"):
        imported.read(folder, kind="music", settings={**SETTINGS, "hop_samples": 256})
