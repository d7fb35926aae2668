"""HDF5 files that somebody made to read other files, to fill the memory or to crash a reader.

Each function of `FILES` writes into an open file; `CANARY` is what no reader may ever get to see.
"""

import h5py
import numpy as np

CANARY = np.float32(1234.5678)
CANARY_TEXT = "this line stands in another file"
N = 1000  # values of the other file


def write_other_files(folder):
    """A raw file and an HDF5 file beside the hostile one, full of the canary."""
    (folder / "raw.bin").write_bytes(np.full(N, CANARY).tobytes())
    (folder / "raw.txt").write_text(CANARY_TEXT * 100)
    with h5py.File(folder / "other.h5", "w") as file:
        file["values"] = np.full(N, CANARY)
        file["text"] = np.array([CANARY_TEXT], object)
        file.create_group("group")["values"] = np.full(N, CANARY)


def _low(file, name, *, kind=h5py.h5t.IEEE_F32LE, shape=(N,), most=None, **made):
    """A data set by the low-level calls, for what h5py's own refuse to make."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for step, values in made.items():
        getattr(plan, step)(*values)
    space = h5py.h5s.create_simple(shape, most)
    return h5py.h5d.create(file.id, name, kind, space, plan)


def _virtual(file, folder, unlimited=False):
    most, end = ((None,), h5py.h5s.UNLIMITED) if unlimited else (None, N)
    layout = h5py.VirtualLayout(shape=(N,), maxshape=most, dtype="f4")
    layout[:end] = h5py.VirtualSource(str(folder / "other.h5"), "values", shape=(N,), maxshape=most)[:end]
    file.create_virtual_dataset("values", layout)


def _cycle(file, _):
    group = file.create_group("a")
    group.create_group("b")["c"] = group


def _holds_root(file, _):
    file["root"] = file["/"]


def _nested(file, _):
    group = file
    for _ in range(400):
        group = group.create_group("g")


def _many(file, _):
    for number in range(20_100):
        file.create_group(f"g{number}")


def _many_attributes(file, _):
    for number in range(300):
        file.attrs[f"a{number}"] = number


def _bomb(file, _):
    """48 MB of zeros a data set in a few kilobytes, twice: as unpacked they are over the bound together."""
    for name in ("a", "b"):
        file.create_dataset(name, data=np.zeros((12, 2**20), np.float32), compression="gzip", chunks=(1, 2**20))


def _named_type(file, _):
    file["kind"] = np.dtype("f8")


def _plugin(file, _):
    _low(file, b"values", set_chunk=((N,),), set_filter=(32013, h5py.h5z.FLAG_OPTIONAL, ()))


def _attribute_reference(file, _):
    file.attrs["a"] = file.ref


def _attribute_compound(file, _):
    file.attrs["a"] = np.zeros(3, [("x", "f4"), ("y", "i4")])


FILES = {
    "soft_link": lambda file, _: file.__setitem__("values", h5py.SoftLink("/elsewhere")),
    "soft_link_to_itself": lambda file, _: file.__setitem__("values", h5py.SoftLink("/values")),
    "external_link": lambda file, folder: file.__setitem__("values", h5py.ExternalLink("other.h5", "/values")),
    "external_link_whole_path": lambda file, folder: file.__setitem__(
        "values", h5py.ExternalLink(str(folder / "other.h5"), "/values")),
    "external_link_to_group": lambda file, _: file.__setitem__("g", h5py.ExternalLink("other.h5", "/group")),
    "external_link_deep": lambda file, _: file.create_group("a/b/c").__setitem__(
        "values", h5py.ExternalLink("other.h5", "/values")),
    "external_link_to_device": lambda file, _: file.__setitem__("values", h5py.ExternalLink("/dev/zero", "/x")),
    "external_data": lambda file, folder: file.create_dataset(
        "values", (N,), "f4", external=[(str(folder / "raw.bin"), 0, 4 * N)]),
    "external_data_below": lambda file, _: file.create_dataset(
        "a/values", (N,), "f4", external=[("raw.bin", 0, 4 * N)]),
    "external_data_of_text": lambda file, folder: file.create_dataset(
        "values", (10,), "S32", external=[(str(folder / "raw.txt"), 0, 320)]),
    "external_data_of_no_size": lambda file, _: file.create_dataset("values", (0,), "f4",
                                                                    external=[("raw.bin", 0, h5py.h5f.UNLIMITED)]),
    "virtual": _virtual,
    "virtual_unlimited": lambda file, folder: _virtual(file, folder, unlimited=True),
    "declares_petabytes": lambda file, _: file.create_dataset("values", (2**48,), "f4"),
    "declares_more_than_addresses": lambda file, _: file.create_dataset("values", (2**31, 2**29), "f4",
                                                                        chunks=(2**10, 2**10)),
    "declares_gigabytes": lambda file, _: file.create_dataset("values", (2**28,), "f4"),
    "chunk_of_gigabytes": lambda file, _: file.create_dataset("values", (10,), "f4", chunks=(2**29,),
                                                              maxshape=(None,)),
    "text_of_gigabytes": lambda file, _: file.create_dataset("values", (4,), f"S{2**30}"),
    "packed_bomb": _bomb,
    "cycle": _cycle,
    "holds_its_root": _holds_root,
    "nested": _nested,
    "many_groups": _many,
    "many_attributes": _many_attributes,
    "references": lambda file, _: file.create_dataset("values", (3,), h5py.ref_dtype),
    "region_references": lambda file, _: file.create_dataset("values", (3,), h5py.regionref_dtype),
    "opaque": lambda file, _: file.create_dataset("values", (3,), np.dtype("V16")),
    "compound": lambda file, _: file.create_dataset("values", (3,), [("x", "f4"), ("y", "S8")]),
    "variable_length": lambda file, _: file.create_dataset("values", (3,), h5py.vlen_dtype(np.float32)),
    "array_type": lambda file, _: _low(file, b"values", kind=h5py.h5t.array_create(h5py.h5t.IEEE_F32LE, (4, 4))),
    "bitfield": lambda file, _: _low(file, b"values", kind=h5py.h5t.STD_B32LE),
    "time": lambda file, _: _low(file, b"values", kind=h5py.h5t.UNIX_D32LE),
    "complex_numbers": lambda file, _: file.create_dataset("values", data=np.zeros(3, complex)),
    "named_type": _named_type,
    "filter_by_plugin": _plugin,
    "attribute_reference": _attribute_reference,
    "attribute_compound": _attribute_compound,
    "escape_in_a_name": lambda file, _: file.__setitem__("\x1b[2J\x1b]0;owned\x07\u202e", h5py.SoftLink("/a")),
}


def _cut(content):
    return {f"cut_at_{share}": content[:int(len(content) * share)] for share in (0.02, 0.3, 0.6, 0.9, 0.999)}


def _flip(content):
    """Zeros and ones over the structures at the start, eight bytes at a time."""
    found = {}
    for place in (8, 24, 40, 56, 96, 104, 136, 200, 400, 680, 800):
        for fill in (b"\x00", b"\xff"):
            found[f"bytes_at_{place}_{fill.hex()}"] = content[:place] + fill * 8 + content[place + 8:]
    return found


def damaged(content):
    """Name to bytes: a good file cut, flipped, emptied, or replaced."""
    return {**_cut(content), **_flip(content), "empty": b"", "text": b"Songs,Quads\n" * 50,
            "signature_alone": b"\x89HDF\r\n\x1a\n",
            "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
            "signature_and_noise": b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 20}
