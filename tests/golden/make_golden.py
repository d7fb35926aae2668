"""Make the golden values, after the reference has been compared with what the published program itself wrote.

    python3 tests/golden/make_golden.py ../shared

The folder holds golden/features.npz (patches by librosa 0.7.1), data/ (the sound they come from) and legacy/ (weight
files and outputs of the published program). Nothing is written unless all of them agree with `reference.py`.
"""

import sys
from pathlib import Path

import h5py
import made
import numpy as np
import reference
import soundfile

HERE = Path(__file__).resolve().parent


def compare(name, got, expected, tolerance):
    """Print the largest difference and stop where it is above the tolerance."""
    worst = float(np.abs(got - expected).max())
    print(f"{name}: largest difference {worst:.2g}")
    if not worst <= tolerance:
        sys.exit(f"{name} differs by {worst:.3g}; at most {tolerance:g} was expected")


def compare_features(shared):
    """16 kHz files without loss: what is compared is the transform, not a decoder."""
    with np.load(shared / "golden" / "features.npz", allow_pickle=False) as golden:
        names = [name for name in golden if name.endswith((".flac", ".wav"))]
        for name in names:
            waveform, rate_hz = soundfile.read(shared / "data" / name, dtype="float32")
            assert rate_hz == 16000, name
            # the published program rounded to float32 before the logarithm, which shows where a cell is almost silent
            linear = np.exp(reference.cut(reference.log_mel(waveform)))
            compare(f"features of {Path(name).name}", linear, np.exp(golden[name].astype(np.float64)),
                    2e-6 * np.exp(golden[name].max()))


def layers_of(group, names):
    """Layer -> {weight: array} of a Keras 2 file."""
    return {name: {key.split(":")[0]: value[()].astype(np.float64) for key, value in group[name].items()}
            for name in names}


def compare_models(shared):
    """Weights and outputs that the published program wrote."""
    files = {name: next((shared / "legacy").glob(f"models/speech/english/{name}*.hdf5"))
             for name in ("model_over", "model_cpc")}
    with h5py.File(files["model_over"]) as file:
        root = file["model_weights"]
        names = [name for name in root if len(root[name])]
        held = {name: layers_of(root[name], [name])[name] for name in names}
    stored = np.load(shared / "legacy" / "model_over_outputs.npz", allow_pickle=False)
    patches = stored["patches"].astype(np.float64)
    compare("SCAE, code", reference.scae_code(patches, held), stored["encod"], 1e-4)
    compare("SCAE, rebuilt patch", reference.scae(patches, held), stored["reconstruction"], 1e-4)
    with h5py.File(files["model_cpc"]) as file:
        root = file["model_weights"]
        encoder = root["time_distributed_1"]
        held = layers_of(encoder, [name for name in encoder if len(encoder[name])])
        held["ar_context"] = layers_of(root["ar_context"], ["ar_context"])["ar_context"]
        for top in root:
            found = {}
            root[top].visititems(lambda path, item, found=found: found.update({path: item}) if isinstance(
                item, h5py.Dataset) else None)
            for path, item in found.items():
                *_, layer, weight = path.split("/")
                if layer.startswith("z_t_"):
                    held.setdefault(layer, {})[weight.split(":")[0]] = item[()].astype(np.float64)
    stored = np.load(shared / "legacy" / "model_cpc_outputs.npz", allow_pickle=False)
    compare("CPC, code", reference.cpc_code(stored["patches"].astype(np.float64), held), stored["encod"], 1e-3)
    context, score = reference.cpc(stored["past"].astype(np.float64), stored["future"].astype(np.float64), held)
    compare("CPC, context", context, stored["context"], 1e-4)
    compare("CPC, score", score, stored["score"], 1e-4)


def values():
    """Name -> array of everything that the tests compare with, float32."""
    scae, cpc, patches = made.scae_weights(), made.cpc_weights(), made.patches().astype(np.float64)
    past, future = patches[None, :4], patches[None, 4:]
    context, score = reference.cpc(past, future, cpc)
    code, cpc_code = reference.scae_code(patches[:3], scae), reference.cpc_code(patches, cpc)
    found = {"log_mel": reference.log_mel(made.waveform()), "scae_code": code,
             "scae_rebuilt": reference.scae(patches[:3], scae), "cpc_code": cpc_code, "cpc_context": context,
             "cpc_score": score}
    found |= {f"scae_{task}": value for task, value in reference.emotion(code, scae).items()}
    found |= {f"cpc_{task}": value for task, value in reference.emotion(cpc_code, cpc).items()}
    return {name: value.astype(np.float32) for name, value in found.items()}


def main():
    """Compare, then write golden.npz."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shared = Path(sys.argv[1])
    compare_features(shared)
    compare_models(shared)
    path = HERE / "golden.npz"
    np.savez_compressed(path, **values())
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
