"""The fit loop that every stage shares: seed, schedule, best weights, resume, history."""

import importlib.util
import math
import shutil
import sys
import time

import keras
import numpy as np
from keras import ops

from mer import MerError, files, progress
from mer.training import cards, variables
from mer.weights import keras3, provenance

# Settings that every stage depends on
SHARED_SETTINGS = ("precision", "early_stopping_epochs", "halve_after_epochs", "patch_overlap")
_STATE = "state.json"


def run_stage(cfg, run, *, key, facts, force, train):
    """Find a stage finished, or train it and write what belongs to it; run.json comes last and marks it as finished.

    Parameters
    ----------
    cfg : Config
    run : ModelFile
    key : str
        Hash of everything that the numbers depend on.
    facts : dict
        For run.json: seed, settings and what was trained on what.
    force : bool
        Train again.
    train : callable
        () -> the trained model; its history, where rows of earlier stages have another "stage"; and a function that
        scores it: run.json without scores -> dict of what run.json says besides.

    Returns
    -------
    bool
        False where it was finished already.
    """
    with run.locked("training"):
        if run.is_finished(key, facts["settings"], force=force):
            return False
        begin(cfg, seed=facts["seed"])
        model, history, score = train()
        epochs = [row for row in history if row.get("stage") == history[-1].get("stage")]
        best = min(epochs, key=lambda row: row["val_loss"])
        run.begin_saving()
        sha256 = keras3.save(model, run.path)
        write_history(run.file("history.csv"), history)
        about = provenance.describe(cfg, key=key, weights_sha256=sha256,
                                    best_epoch=best["epoch"] + 1, epochs=len(epochs), **facts)
        about |= score(about)
        cards.write(run.file("."), about)
        files.write_json(run.file("run.json"), about)
        shutil.rmtree(run.file("state"), ignore_errors=True)
    return True


def begin(cfg, *, seed):
    """Let go of earlier models; set the precision and the seed of those that come."""
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
    """A bar with the rate within an epoch of `n_examples` in batches of `batch_size`, and one line at its end."""

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
    """After each epoch: best and last weights, optimizer, history and the other callbacks' state, all to disk.

    A run that is killed goes on with the epoch it was in. The state file is renamed into place last and names
    the weights that belong to it, so no kill leaves a mixture. A state that is damaged, or whose weights are, is named
    and removed, and the stage starts again.

    Parameters
    ----------
    folder : pathlib.Path
        Where the state is kept until the stage is finished.
    data : batches.Batches
        Training batches, which depend on the number of the epoch.
    others : list of keras.callbacks.Callback
        Their numbers (epochs waited, best value) are kept too; they stand before this one in the list.
    key : str
        Hash of everything that the numbers depend on; a state with another key is not continued.

    Attributes
    ----------
    state : dict
        epochs_done, stopped, history, best (val_loss and epochs_done), weights (name -> SHA-256), and what only a run
        that goes on reads.
    """

    def __init__(self, folder, *, data, others, key):
        super().__init__()
        self.folder, self.data, self.others = folder, data, others
        self.state = {"key": key, "epochs_done": 0, "stopped": False, "history": [], "best": None, "weights": {}}
        try:
            state = read_state(folder)
            if state["key"] == key:
                self.state = state
            else:
                print("  an unfinished training with other settings or data is there and is not continued")
        except FileNotFoundError:
            pass
        except MerError as error:
            print(f"note: {error}", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, model, epochs_done):
        """Put the weights after that epoch into a model."""
        name = f"epoch-{epochs_done}.weights.h5"
        keras3.load_checkpoint(model, self.folder / name, self.state["weights"][name])

    def on_train_begin(self, logs=None):
        if self.state["epochs_done"]:
            self.load(self.model, self.state["epochs_done"])
            for variable, value in zip(_random_states(self.model), self.state["random"], strict=True):
                variable.assign(value)
            for callback, numbers in zip(self.others, self.state["callbacks"], strict=True):
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
        best = self.state["best"]
        if best is None or row["val_loss"] < best["val_loss"]:
            best = {"val_loss": row["val_loss"], "epochs_done": epoch + 1}
        path = self.folder / f"epoch-{epoch + 1}.weights.h5"
        weights = {**self.state["weights"], path.name: keras3.write(self.model, path)}
        weights = {name: weights[name] for name in (path.name, f"epoch-{best['epochs_done']}.weights.h5")}
        numbers = [{name: value for name, value in vars(callback).items()
                    if isinstance(value, (bool, int, float, type(None))) and not name.startswith("_")}
                   for callback in self.others]
        self.state = {"key": self.state["key"], "epochs_done": epoch + 1, "weights": weights, "best": best,
                      "history": [*self.state["history"], row], "callbacks": numbers,
                      "random": [keras.ops.convert_to_numpy(state).tolist() for state in _random_states(self.model)],
                      "stopped": bool(self.model.stop_training)}
        files.write_json(self.folder / _STATE, {**self.state, "seal": files.key_of(self.state)})
        for old in [*self.folder.glob("epoch-*.weights.h5"), *self.folder.glob(".*.part*")]:
            if old.name not in weights:
                old.unlink()


def read_state(folder):
    """The state of an unfinished training, with the weights that it names found whole.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        There is none.
    files.Damaged
        It, or a weight file that it names, is not as it was written.
    """
    path, remedy = folder / _STATE, "this stage starts again from its first epoch"
    state = files.read_json(path, remedy=remedy)
    if state.pop("seal", None) != files.key_of(state):
        raise files.Damaged(f"{path} is damaged (its content is not what was written): {remedy}")
    for name, sha256 in state["weights"].items():
        if not (folder / name).is_file() or files.sha256(folder / name) != sha256:
            raise files.Damaged(f"{folder / name} is missing or damaged: {remedy}")
    return state


def _random_states(model):
    """States of the dropout generators, which Keras does not save with the weights."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


def fit(model, train, val, *, cfg, folder, key, epochs, halve=True):
    """Train a compiled model, keep its best weights, and be able to go on after a kill.

    Parameters
    ----------
    model : keras.Model
        Compiled; ends with the weights of the epoch of least validation loss.
    train, val : batches.Batches
    cfg : Config
        Says when to stop and when to halve the learning rate: after so many epochs without a better validation loss.
    folder : pathlib.Path
        Keeps how far this stage is; the logs of TensorBoard lie beside it.
    key : str
        Hash of everything that the numbers depend on; a state with another key is not continued.
    epochs : int
        At most so many.
    halve : bool
        False: the learning rate follows a schedule of its own.

    Returns
    -------
    list of dict
        One per epoch: epoch (from 0), loss, metrics, val_..., learning_rate.

    Raises
    ------
    MerError
        Where the loss is not finite, or the best weights are not as they were written.
    """
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", mode="min", patience=cfg.early_stopping_epochs)
    rates = [keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", factor=0.5,
                                               patience=cfg.halve_after_epochs, min_delta=0.0)] if halve else []
    checkpoint = Checkpoint(folder, data=train, others=[stop, *rates], key=key)
    done = checkpoint.state["epochs_done"]
    if done:
        print(f"  going on after epoch {done}")
    if done < epochs and not checkpoint.state["stopped"]:
        callbacks = [keras.callbacks.TerminateOnNaN(), stop, *rates, checkpoint,
                     Progress(n_examples=train.n, batch_size=train.batch_size, epochs=epochs)]
        train.set_epoch(done)  # the first batch is looked at before the epoch begins
        variables.make(model, train)
        if cfg.tensorboard:
            if importlib.util.find_spec("tensorboard") is None:
                raise MerError("tensorboard = True needs a package that is not installed: pip install tensorboard")
            callbacks.append(keras.callbacks.TensorBoard(folder.parent / "logs"))
        model.fit(train, validation_data=val, epochs=epochs, initial_epoch=done, verbose=0, callbacks=callbacks,
                  shuffle=False)
    checkpoint.load(model, checkpoint.state["best"]["epochs_done"])
    return checkpoint.state["history"]



def write_history(path, history):
    """Write the epochs as csv, one column a quantity."""
    names = list(dict.fromkeys(name for row in history for name in row))
    files.write_csv(path, names, ([row.get(name, "") for name in names] for row in history))
