"""The fit loop that every stage shares: seed, schedule, best weights, resume, history."""

import csv
import importlib.util
import json
import math
import os
import shutil
import time

import keras
import numpy as np
from keras import ops

from mer import MerError, progress, weights


def start(cfg, seed):
    """Seed everything, set the precision, and let go of earlier models.

    Parameters
    ----------
    cfg : Config
    seed : int
    """
    keras.backend.clear_session()
    keras.config.set_dtype_policy(cfg.precision)
    keras.utils.set_random_seed(seed)


def compile_options():
    """Keywords of `compile` that depend on the backend: XLA on a CPU makes TensorFlow four times slower."""
    on_gpu = bool(keras.distribution.list_devices("gpu")) if keras.backend.backend() == "tensorflow" else True
    return {"jit_compile": "auto" if on_gpu else False}


@keras.saving.register_keras_serializable("mer")
class DecayingAdam(keras.optimizers.Adam):
    """Adam whose step n uses `learning_rate / (1 + decay * n)`, the inverse time decay of Keras 2.

    With amsgrad (Reddi et al. 2018), as the published program. The learning rate itself stays a plain variable,
    so that a plateau can halve it.

    Parameters
    ----------
    learning_rate : float
    decay : float
        Per step.
    """

    def __init__(self, learning_rate=1e-3, *, decay=0.0, amsgrad=True, name="decaying_adam", **kwargs):
        super().__init__(learning_rate, amsgrad=amsgrad, name=name, **kwargs)
        self.decay = decay

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations, learning_rate.dtype)
        super().update_step(gradient, variable, learning_rate / (1 + self.decay * step))

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


class Progress(keras.callbacks.Callback):
    """A bar with the rate within an epoch, and one line at its end.

    Parameters
    ----------
    n_examples, batch_size : int
        Examples of an epoch and of a batch.
    epochs : int
    """

    def __init__(self, *, n_examples, batch_size, epochs):
        super().__init__()
        self.n_examples, self.batch_size, self.epochs = n_examples, batch_size, epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.monotonic()
        self.bar = progress.bar(total=self.n_examples, unit=" examples", desc=f"  epoch {epoch + 1}/{self.epochs}",
                                leave=False)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(min(self.batch_size, self.n_examples - self.bar.n))

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        shown = {name: value for name, value in logs.items() if name in ("loss", "val_loss")
                 or (name.startswith("val_") and name.endswith("accuracy"))}
        values = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
        print(f"  epoch {epoch + 1}/{self.epochs}  {values}  ({time.monotonic() - self.begin:.0f} s)", flush=True)


class Checkpoint(keras.callbacks.Callback):
    """After each epoch: best and last weights, optimiser, history and the other callbacks' state, all to disk.

    A run that is killed goes on with the epoch it was in. The state file is renamed into place last and names
    the weights that belong to it, so no kill leaves a mixture.

    Parameters
    ----------
    folder : pathlib.Path
        Where the state is kept until the stage is finished.
    data : batches.Batches
        Training batches, told each epoch's number.
    others : list of keras.callbacks.Callback
        Their numbers (epochs waited, best value) are kept too; they stand before this one in the list.
    """

    def __init__(self, folder, *, data, others, key):
        super().__init__()
        self.folder, self.data, self.others, self.key = folder, data, others, key
        self.history, self.best = [], math.inf
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def best_weights(self):
        return self.folder / "best.weights.h5"

    def state(self):
        """The saved state, or None at the first epoch or where it belongs to other settings."""
        try:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        return state if state["key"] == self.key else None

    def on_train_begin(self, logs=None):
        state = self.state()
        if state:
            # what a killed save left may be half a file; only the one that the state names is whole
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.load_weights(self.folder / state["weights"])
            for variable, value in zip(_random_states(self.model), state["random"], strict=True):
                variable.assign(value)
            self.history, self.best = state["history"], state["best"]
            for callback, numbers in zip(self.others, state["callbacks"], strict=True):
                vars(callback).update(numbers)

    def on_epoch_begin(self, epoch, logs=None):
        self.data.set_epoch(epoch)
        # torch's dropout draws from a global generator, whose state no run saves
        keras.utils.set_random_seed(int(np.random.SeedSequence([self.data.seed, epoch]).generate_state(1)[0]))

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}}
        for name in ("loss", "val_loss"):
            if not math.isfinite(row[name]):
                raise MerError(f"{name} became {row[name]} in epoch {epoch + 1}: try a lower learning rate, or "
                               "precision=float32")
        self.history.append(row)
        if row["val_loss"] < self.best:
            self.best = row["val_loss"]
            self._save(self.best_weights)
        self._save_state(epoch + 1)

    def _save(self, path):
        temporary = path.with_name(f"part-{path.name}")
        self.model.save_weights(temporary)
        os.replace(temporary, path)

    def _save_state(self, epochs_done):
        path = self.folder / f"epoch-{epochs_done}.weights.h5"
        self._save(path)
        numbers = [{name: value for name, value in vars(callback).items()
                    if isinstance(value, (bool, int, float, type(None))) and not name.startswith("_")}
                   for callback in self.others]
        weights.write_json(self.folder / "state.json", {
            "key": self.key, "epochs_done": epochs_done, "weights": path.name, "best": self.best,
            "history": self.history, "callbacks": numbers,
            "random": [keras.ops.convert_to_numpy(state).tolist() for state in _random_states(self.model)],
            "stopped": bool(self.model.stop_training)})
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old != path:
                old.unlink()


def _random_states(model):
    """States of the dropout generators, which Keras does not save with the weights."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


def fit(model, train, val, *, folder, key, epochs, patience, halve_after, tensorboard=None):
    """Train a compiled model, keep its best weights, and be able to go on after a kill.

    Parameters
    ----------
    model : keras.Model
        Compiled; ends with the weights of the epoch of least validation loss.
    train, val : batches.Batches
    folder : pathlib.Path
        For the state of this stage; `forget` removes it when the run is complete.
    key : str
        Whatever the numbers depend on; a state with another key is not continued.
    epochs, patience, halve_after : int
        At most so many epochs; stop, or halve the learning rate, after so many without a better validation loss.
    tensorboard : pathlib.Path or None
        Folder of TensorBoard logs.

    Returns
    -------
    list of dict
        One per epoch: epoch (from 0), loss, metrics, val_..., learning_rate.

    Raises
    ------
    MerError
        Where the loss is not finite.
    """
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", mode="min", patience=patience)
    halve = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", factor=0.5, patience=halve_after,
                                              min_delta=0.0)
    checkpoint = Checkpoint(folder, data=train, others=[stop, halve], key=key)
    state = checkpoint.state() or {"epochs_done": 0, "stopped": False}
    done = state["epochs_done"]
    if done:
        print(f"  going on after epoch {done}")
    if done < epochs and not state["stopped"]:
        callbacks = [keras.callbacks.TerminateOnNaN(), stop, halve, checkpoint,
                     Progress(n_examples=train.n, batch_size=train.batch_size, epochs=epochs)]
        train.set_epoch(done)  # JAX and torch look at the first batch before the epoch begins
        if tensorboard:
            callbacks.append(_tensorboard(tensorboard))
        model.fit(train, validation_data=val, epochs=epochs, initial_epoch=done, verbose=0, callbacks=callbacks,
                  shuffle=False)
    model.load_weights(checkpoint.best_weights)
    return checkpoint.state()["history"]


def _tensorboard(folder):
    if importlib.util.find_spec("tensorboard") is None:
        raise MerError("tensorboard = True needs a package that is not installed: pip install tensorboard")
    return keras.callbacks.TensorBoard(folder)


def forget(folder):
    """Remove the state of a stage whose results are saved."""
    shutil.rmtree(folder, ignore_errors=True)


def write_history(path, history):
    """Write the epochs as csv, one column a quantity."""
    names = list(dict.fromkeys(name for row in history for name in row))
    temporary = path.with_name(f"{path.name}.part")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(history)
    os.replace(temporary, path)
