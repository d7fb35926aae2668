"""What the published program computes, worked out channels first in numpy, apart from the code of this project.

`make_golden.py` compares these functions with arrays that the published program itself wrote. Tensors are
(patches, channels, bands, frames); layers hold {name: array} as the weight files of the release do.
"""

import numpy as np

BLOCKS = ((1, ("b1_b2", "b1_b3"), 4), (2, ("b2_b1", "b2_b2"), 4), (3, ("b3_b1", "b3_b2"), 2))  # norms, pool
BRANCHES = {"quadrants": "b10", "arousal": "b11", "valence": "b12"}


def relu(x):
    return np.maximum(x, 0)


def conv(x, kernel, bias):
    """3 x 3 convolution of same size; kernel (height, width, in, out)."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))
    return np.moveaxis(np.tensordot(windows, kernel, axes=((1, 4, 5), (2, 0, 1))) + bias, -1, 1)


def transposed_conv(x, kernel, bias):
    """The adjoint of `conv`; kernel (height, width, out, in)."""
    return conv(x, np.moveaxis(kernel[::-1, ::-1], 3, 2), bias)


def batch_norm(x, held):
    """In inference, over the last axis: the frames of a map, the units of a code."""
    return (x - held["moving_mean"]) / np.sqrt(held["moving_variance"] + 1e-3) * held["gamma"] + held["beta"]


def pool(x, bands):
    n, channels, height, width = x.shape
    return x.reshape(n, channels, height // bands, bands, width).max(axis=3)


def dense(x, held):
    return x @ held["kernel"] + held["bias"]


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def blocks(patches, a):
    """The three convolutional blocks that the encoders share: (n, 1, 128, 31) -> (n, 128, 4, 31)."""
    x = batch_norm(patches, a["b1_b1"])
    for block, norms, bands in BLOCKS:
        for place, norm in enumerate(norms, start=1):
            x = batch_norm(relu(conv(x, **a[f"b{block}_c{place}"])), a[norm])
        x = pool(x, bands)
    return x


def scae_code(patches, a):
    """(n, 128, 2, 31)."""
    return pool(blocks(patches, a), 2)


def scae(patches, a):
    """The patch as the autoencoder rebuilds it, (n, 1, 128, 31)."""
    x = np.repeat(scae_code(patches, a), 2, axis=2)
    for block, bands in ((6, 2), (7, 4), (8, 4)):
        x = np.repeat(x, bands, axis=2)
        for place in (1, 2):
            x = transposed_conv(x, **a[f"b{block}_c{place}"])
            x = batch_norm(sigmoid(x) if (block, place) == (8, 2) else relu(x), a[f"b{block}_b{place}"])
    return x


def cpc_code(patches, a):
    """(n, 256)."""
    x = np.moveaxis(blocks(patches, a), 1, -1).reshape(len(patches), -1)
    return dense(batch_norm(relu(dense(x, a["b3_fc1"])), a["b3_b3"]), a["encod"])


def gru(codes, held):
    """Last state of the GRU of Keras 2 (reset before the product, gates clip(x / 5 + 1 / 2, 0, 1)).

    codes is (n, steps, units).
    """
    def gate(x):
        return np.clip(0.2 * x + 0.5, 0, 1)

    n = held["recurrent_kernel"].shape[0]
    state = np.zeros((len(codes), n))
    u = held["recurrent_kernel"]
    for x in np.moveaxis(codes, 1, 0):
        part = x @ held["kernel"] + held["bias"]
        update = gate(part[:, :n] + state @ u[:, :n])
        reset = gate(part[:, n:2 * n] + state @ u[:, n:2 * n])
        new = np.tanh(part[:, 2 * n:] + (reset * state) @ u[:, 2 * n:])
        state = update * state + (1 - update) * new
    return state


def cpc(past, future, a):
    """Context after four patches, (n, 256), and score, (n, 1); past is (n, 4, 1, 128, 31), future (n, 2, ...)."""
    def code(steps):
        flat = cpc_code(steps.reshape(-1, *steps.shape[2:]), a)
        return flat.reshape(*steps.shape[:2], -1)

    context = gru(code(past), a["ar_context"])
    predicted = np.stack([dense(context, a[f"z_t_{step}"]) for step in range(future.shape[1])], axis=1)
    return context, sigmoid((predicted * code(future)).mean(axis=2).mean(axis=1, keepdims=True))


def emotion(code, a):
    """Probabilities of the three tasks; every hidden dense layer of the release is a ReLU.

    code is (n, channels, bands, frames), flattened in (band, frame, channel) order, or (n, units).
    """
    x = np.moveaxis(code, 1, -1).reshape(len(code), -1) if code.ndim > 2 else code
    for name in ("b9_fc1", "b9_fc2", "b9_fc3"):
        x = relu(dense(x, a[name]))
    return {task: softmax(dense(relu(dense(relu(dense(x, a[f"{branch}_fc1"])), a[f"{branch}_fc2"])), a[task]))
            for task, branch in BRANCHES.items()}


def log_mel(waveform):
    """Published features of a waveform at 16 kHz, (frames, 128), by librosa in double precision.

    The waveform is divided by its largest absolute value; |STFT| with n_fft 2048, a Hann window of 1024 samples, hop
    512, reflected at the ends; 128 Slaney bands on the magnitude; natural logarithm of that plus the float32 epsilon.
    """
    import librosa
    y = waveform.astype(np.float64) / np.abs(waveform).max()
    magnitude = np.abs(librosa.stft(y, n_fft=2048, hop_length=512, win_length=1024, window="hann", center=True,
                                    pad_mode="reflect"))
    bank = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128, norm="slaney", htk=False, dtype=np.float64)
    return np.log(bank @ magnitude + 1.1920929e-07).T


def cut(frames):
    """(frames, bands) -> patches (n, 1, bands, 31), a hop of 15 frames."""
    starts = range(0, len(frames) - 30, 15)
    return np.stack([frames[start:start + 31].T for start in starts])[:, None]
