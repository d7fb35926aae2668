"""Torch files of the old format, as torch.save wrote them before version 1.6, made without torch."""

import io
import pickle
import sys
import types

import numpy as np

MAGIC, VERSION = 0x1950a86a20f9469cfc6c, 1001


class Storage:
    """A place of numbers, which a pickle names and does not hold."""

    def __init__(self, key, values, claimed=None):
        self.key, self.values, self.claimed = key, np.asarray(values, "<f4"), claimed


class Tensor:
    """A part of a storage."""

    def __init__(self, storage, offset, shape, stride):
        self.described = (storage, offset, shape, stride, False, None)

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.described


class _Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            kind = sys.modules["torch"].FloatStorage
            return ("storage", kind, value.key, "cpu", len(value.values), None)
        return None


def dump(content, storages):
    """The bytes of a file; `content` may hold tensors of `storages`."""
    names = ("torch", "torch._utils")
    before = {name: sys.modules.get(name) for name in names}
    fakes = {name: types.ModuleType(name) for name in names}
    fakes["torch"].FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    fakes["torch"]._utils = fakes["torch._utils"]
    fakes["torch._utils"]._rebuild_tensor_v2 = _rebuild_tensor_v2
    try:
        sys.modules.update(fakes)
        file = io.BytesIO()
        for part in (MAGIC, VERSION, {"little_endian": True}, content, [storage.key for storage in storages]):
            _Pickler(file, protocol=2).dump(part)
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            sys.modules.update({name: module} if module else {})
    for storage in storages:
        n_values = len(storage.values) if storage.claimed is None else storage.claimed
        file.write(int(n_values).to_bytes(8, "little") + storage.values.tobytes())
    return file.getvalue()


def _rebuild_tensor_v2(*described):
    raise AssertionError("nothing in a file is called")


_rebuild_tensor_v2.__module__ = "torch._utils"


def of_state(state):
    """A file with the arrays of a state, each in a storage of its own; what no network needs is there, too."""
    storages = {name: Storage(str(number), values.ravel()) for number, (name, values) in enumerate(state.items())}
    tensors = {name: Tensor(storages[name], 0, values.shape, tuple(n // values.itemsize for n in values.strides))
               for name, values in state.items()}
    return dump({"step": 7, "model_state": tensors, "optimizer_state": {"lr": 1e-3}}, list(storages.values()))
