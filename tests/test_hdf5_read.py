"""Hostile HDF5 files end in one sentence, before another file is opened and before memory is taken."""

import contextlib
import resource

import h5py
import hostile_hdf5
import numpy as np
import pytest

from mer import MerError, hdf5_read
from mer.files import Damaged

REMEDY = "get it again"


def read_everything(path):
    """All values, text and attributes, as a careless reader would."""
    with hdf5_read.opened(path, remedy=REMEDY) as file:
        found = [hdf5_read.attributes(file)]
        file.visititems(lambda name, item: found.append(
            hdf5_read.attributes(item) if isinstance(item, h5py.Group)
            else hdf5_read.texts(item) if h5py.check_string_dtype(item.dtype) else item[()]))
    return found


@pytest.fixture
def folder(tmp_path):
    hostile_hdf5.write_other_files(tmp_path)
    return tmp_path


def write_good(path):
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": 2, "corpus": "CH-818", "whole": True})
        file["numbers"] = np.arange(2000, dtype=np.float32).reshape(50, 40)
        file["text"] = np.array(["a", "日本", ""], object)
        file["plain"] = np.array([b"a", b"bc"])
        file["flag"] = np.array([True, False])
        file["empty"] = h5py.Empty("f4")
        file.create_dataset("none", (0, 2), h5py.string_dtype())
        file.create_dataset("packed", data=np.ones((100, 100)), compression="gzip", shuffle=True, fletcher32=True)
        file.create_group("a/b")["one"] = 1.5


def test_a_plain_file_is_read(folder):
    write_good(folder / "good.h5")
    with hdf5_read.opened(folder / "good.h5", remedy=REMEDY) as file:
        assert hdf5_read.attributes(file) == {"format": 2, "corpus": "CH-818", "whole": True}
        assert hdf5_read.texts(file["text"]).tolist() == ["a", "日本", ""]
        assert hdf5_read.texts(file["none"]).shape == (0, 2)
        assert file["numbers"][3, 2] == 122 and file["a/b/one"][()] == 1.5


@pytest.mark.parametrize("name", hostile_hdf5.FILES)
def test_hostile_files_are_refused(folder, name):
    path = folder / "hostile.h5"
    with h5py.File(path, "w") as file:
        hostile_hdf5.FILES[name](file, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(hdf5_read.Refused) as caught:
        read_everything(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and sentence.endswith(REMEDY) and "\n" not in sentence
    assert sentence.isprintable() and len(sentence) < 400 + len(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_damaged_files_are_refused_or_read(folder):
    write_good(folder / "good.h5")
    content = (folder / "good.h5").read_bytes()
    refused = 0
    for name, damaged in hostile_hdf5.damaged(content).items():
        (folder / "damaged.h5").write_bytes(damaged)
        try:
            read_everything(folder / "damaged.h5")
        except MerError as error:
            refused += 1
            assert str(error).isprintable() and (REMEDY in str(error) or "git lfs" in str(error)), name
    assert refused > 20  # the others hit bytes that mean nothing


def test_every_byte_of_a_small_file_may_be_wrong(folder):
    rng = np.random.default_rng(0)
    with h5py.File(folder / "good.h5", "w") as file:
        file["a/values"] = np.arange(4, dtype=np.float32)
        file["text"] = np.array(["a", "b"], object)
    content = bytearray((folder / "good.h5").read_bytes())
    for place in rng.integers(0, len(content), 400):
        changed = content.copy()
        changed[place] = rng.integers(256)
        (folder / "changed.h5").write_bytes(changed)
        with contextlib.suppress(MerError):
            read_everything(folder / "changed.h5")


def test_one_long_text_under_many_names_is_not_unfolded(folder):
    """70 000 cells that all name one text of 60 kB: 4 GB from a file of 1.3 MB."""
    path = folder / "often.h5"
    with h5py.File(path, "w") as file:
        file["text"] = np.array(["x" * 60_000] + [""] * 69_999, object)
    content = path.read_bytes()
    with h5py.File(path) as file:
        place = file["text"].id.get_offset()
    cell = content[place:place + 16]
    path.write_bytes(content[:place] + cell * 70_000 + content[place + 16 * 70_000:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(hdf5_read.Refused, match="more text"):
        read_everything(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


def test_absent_is_not_damaged(folder):
    with pytest.raises(FileNotFoundError):
        read_everything(folder / "nowhere.h5")
    with pytest.raises(Damaged, match="folder"):
        read_everything(folder)
