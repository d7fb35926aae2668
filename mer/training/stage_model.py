"""The network of one stage of a transfer: from an encoder and what was trained before, or from the file of a run."""

from mer import heads
from mer.tasks import named
from mer.training import batches, loop
from mer.training.codes import PREDICT_BATCH, Joined, cached_codes
from mer.training.per_group import Normalized, keys


class StageModel:
    """The model of one stage: built for training, or from the file of a run that is finished.

    Parameters
    ----------
    cfg : Config
    data : Music
    module : module
        Of `models/`.
    encoder_key : str or None
        Of the encoder that stays as it is; None where it is trained.
    """

    def __init__(self, cfg, data, module, encoder_key):
        self.cfg, self.data, self.module, self.encoder_key, self.whole = cfg, data, module, encoder_key, None

    def start(self, encoder, before):
        """Build it with the weights of the encoder and of the stage or step before; either may be None."""
        pretrained = self.module.build(self.data.reads.shape)
        if encoder:
            encoder.load(pretrained)
        tasks = named(before.read().get("tasks"), before.path) if before else self.data.tasks
        self.whole = heads.attach(self.module.encoder(pretrained), tasks, self.module)
        if before:
            before.load(self.whole)
            if tuple(tasks) != self.data.tasks:
                self.whole = heads.only(self.whole, self.data.tasks)

    def codes(self):
        """Codes of all patches under the encoder that stays as it is."""
        encoder = heads.encoder_of(self.whole)
        parts = [self._codes_of(part, encoder) for part in self.data.parts]
        return Joined(parts) if len(parts) > 1 else parts[0]

    def _codes_of(self, opened, encoder, *, make=True):
        """Codes of one corpus, normalized where the run says so; None where they are not on disk and not to be made."""
        codes = cached_codes(self.cfg, opened, encoder, self.encoder_key, make=make)
        if self.data.setup.per_group:
            return Normalized(codes, opened.patches.clip, keys(opened.clips))
        return codes

    def answer(self, run, opened, rows):
        """Outputs by task for patches of a corpus, of codes that are on disk where there are some.

        Parameters
        ----------
        run : ModelFile
            Finished.
        opened : music.Opened
        rows : np.ndarray of int
        """
        if self.whole is None:
            loop.begin(self.cfg, seed=self.cfg.seed)
            encoder = self.module.encoder(self.module.build(self.data.reads.shape))
            self.whole = heads.attach(encoder, self.data.tasks, self.module)
            run.load(self.whole)
        inputs, model = opened.patches, self.whole
        if self.encoder_key:
            codes = self._codes_of(opened, heads.encoder_of(model), make=self.data.setup.per_group)
            if codes is not None:
                inputs, model = codes, heads.on_codes(model, self.data.tasks)
        return model.predict(batches.Emotion(inputs, {}, rows=rows, tasks=(), batch_size=PREDICT_BATCH), verbose=0)
