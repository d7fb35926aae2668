"""Make the golden values of the published encoders: what the authors' own network says of a sound that we make.

    python3 tests/golden/make_published.py musicnn-0.1.0-py3-none-any.whl

musicnn: the graph in the wheel (TensorFlow 1, .meta), fed with log10(1 + 10 000 power) of librosa. The authors round
that to half precision, which overflows in loud music; here it is in single precision, as in the program. This runs the
authors' graph, so it is no part of the program or its tests.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import librosa
import made
import numpy as np

HERE = Path(__file__).resolve().parent
FOLDER = "musicnn/MSD_musicnn/"


def patches():
    """Two patches of 3 s of the authors' front end, of `made.waveform` twice over: (2, 187, 96) float32."""
    sound = made.loud(made.waveform())
    power = librosa.feature.melspectrogram(y=sound, sr=16000, hop_length=256, n_fft=512, n_mels=96).T
    rows = np.log10(10000 * power + 1)
    return np.stack([rows[start:start + 187] for start in (0, 187)]).astype(np.float32)


def musicnn(wheel):
    """Tags (2, 50) and pooled layer (2, 1506) of the authors' graph."""
    import tensorflow as tf
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    tf.compat.v1.disable_eager_execution()
    outputs = ["model/Sigmoid", "model/Flatten/flatten/Reshape"]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in (".index", ".data-00000-of-00001"):
            Path(folder, f"weights{name}").write_bytes(archive.read(FOLDER + name))
        held = tf.train.load_checkpoint(f"{folder}/weights")
        graph = tf.compat.v1.graph_util.extract_sub_graph(
            MetaGraphDef.FromString(archive.read(FOLDER + ".meta")).graph_def, outputs)
        for node in graph.node:
            node.attr.pop("_output_shapes", None)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            tf.import_graph_def(graph, name="")
            tensor = session.graph.get_tensor_by_name
            for node in graph.node:
                if node.op == "VariableV2":
                    session.run(tf.compat.v1.assign(tensor(f"{node.name}:0"), held.get_tensor(node.name)))
            holders = [tensor(f"{node.name}:0") for node in graph.node if node.op == "Placeholder"]
            feed = {holder: False if holder.dtype == tf.bool else patches() for holder in holders}
            return session.run([f"{name}:0" for name in outputs], feed)


def main():
    """Write published.npz."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tags, code = musicnn(sys.argv[1])
    path = HERE / "published.npz"
    np.savez_compressed(path, musicnn_tags=tags, musicnn_code=code)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
