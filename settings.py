"""Every value that people edit: plain assignments, units in the comments.

Order of precedence: this file < environment (MER_<NAME>=value) < command line (--set name=value).
The lowest and highest value of each setting, and its unit, are in mer/limits.py.
Paths may be absolute or relative to this folder. A name that starts with "_" is yours and is not read.
"""

# ---- Where the corpora are ------------------------------------------------------------------------
path_to_data = ""            # folder that holds LibriSpeech/, data_aishell/, MER_audio_taffc_dataset/, CH818/, ...
                             # empty: the demo corpus in demo/data, if `bash demo.sh` has made it
path_speech_english = ""     # one path per corpus is used before path_to_data; empty: a usual folder name below that
path_speech_mandarin = ""
path_music_english = ""
path_music_mandarin = ""
path_music_turkish = ""
path_music_piano = ""
path_music_sung = ""         # RAVDESS, song and labelled speech: both may name the folder of the whole
path_music_spoken = ""

# ---- Where results go -----------------------------------------------------------------------------
path_to_features = "features"          # stores of features (.h5), split files (.csv), cached codes
path_to_models = "models"              # pretrained encoders, next to the code of the architectures
path_to_models_trans = "models_trans"  # transferred models, each with its report
path_to_results = "results"            # the page and the table made by report.py

# ---- Features (ICASSP 2021, section 3.1) ----------------------------------------------------------
sample_rate_hz = 16000       # every file is resampled to this rate
n_fft = 2048                 # FFT length in samples
window_samples = 1024        # Hann window, centered in the FFT frame
hop_samples = 512            # 32 ms at 16 kHz
n_mel_bands = 128            # Slaney mel bands from 0 Hz to half the sample rate
patch_overlap = 0.5          # share of a patch that the next one covers: hop of 15 frames for patches of 31

# ---- Splits ---------------------------------------------------------------------------------------
seed = 1                     # of the splits, the initial weights, the noise and the order; run n uses seed + n
test_fraction = 0.30         # share of the music clips that only the report sees
val_fraction = 0.15          # share of the other clips that chooses when to stop
speech_test_fraction = 0.10  # share of the speech clips on which the pretext score is reported

# ---- Training, all stages -------------------------------------------------------------------------
precision = "float32"        # or "mixed_bfloat16": faster where the processor has it
early_stopping_epochs = 50   # stop after so many epochs without a better validation loss
halve_after_epochs = 5       # halve the learning rate after so many epochs without a better validation loss
tensorboard = False          # True: also write TensorBoard logs beside each run (pip install tensorboard)

# ---- Pretraining on speech ------------------------------------------------------------------------
pretrain_epochs = 100
pretrain_batch_patches = 128
pretrain_learning_rate = 1e-3
pretrain_decay = 4e-6        # learning rate at step n is lr / (1 + decay * n)
noise_sigma = 0.3            # standard deviation of the Gaussian noise added to log-mel values (SCAE)
cpc_batch_sequences = 32     # sequences of 6 patches in a batch
cpc_hop_patches = 6          # from one sequence to the next; each epoch shifts them by another offset
cpc_gap_patches = 0          # between the 4 patches that are read and the 2 that follow. 0: as published, 16 frames are
                             # in both; 2: none is
cpc_loss = "binary"          # is this the continuation? "infonce": which of cpc_candidates is it?
cpc_candidates = 16          # infonce: the true continuation and those of other clips at the same place
cpc_negatives = "distinct"   # binary: of another sequence; "published": the true one in random order, half of them true
cpc_negatives_per_positive = 1
cpc_same_clip_share = 0.5    # share of the distinct negatives drawn from elsewhere in the same clip

# ---- Pretraining by contrast (model_cola) ---------------------------------------------------------
contrast_epochs = 20
contrast_steps = 50          # batches an epoch
contrast_batch_clips = 64    # two chunks of each; fewer where there are fewer clips
contrast_learning_rate = 2e-3  # the greatest of one cycle
contrast_weight_decay = 0.01
contrast_gain_db = 12.0      # every chunk is amplified by -12 to 12 dB,
contrast_filter_db = 6.0     # goes through a random filter, deviation 6 dB at 6 knots over the bands,
contrast_mask_bands = 32     # and loses up to 32 bands in a row, of 128

# ---- Transfer to music ----------------------------------------------------------------------------
heads_epochs = 100           # Feat. Ext.: frozen encoder, heads trained on its cached codes
heads_batch_patches = 1024
heads_learning_rate = 1e-3   # the released weights; the paper says 1e-4
full_epochs = 100            # Full: after the heads, everything is trained
full_batch_patches = 128
full_learning_rate = 5e-5    # the released weights; the paper says 5e-4
transfer_decay = 1e-4        # as pretrain_decay
class_weights = True         # weigh rare classes up, in the losses of all three tasks

# ---- model_cnn: encoder and heads trained on music from scratch, without speech -------------------
scratch_epochs = 100
scratch_batch_patches = 128
scratch_learning_rate = 1e-3
scratch_decay = 1e-4         # as pretrain_decay
scratch_class_weights = True  # as class_weights

# ---- model_sincnet, model_sincnet_500: raw waveform, as published (SincNet-MER, ISMIR LBD 2020) ---------
sincnet_epochs = 100
sincnet_steps = 30           # batches an epoch, of chunks at random places of random clips
sincnet_batch_chunks = 128
sincnet_500_batch_chunks = 32  # of the chunks of 500 ms
sincnet_learning_rate = 4e-3
sincnet_schedule = "constant"  # or "one_cycle": up to that rate and down to 0, for a training of few epochs
sincnet_gain = 0.2           # the amplitude of a training chunk is multiplied by 1 - this to 1 + this
sincnet_vote_hop_ms = 10.0   # from one chunk to the next of those that judge a test clip

# ---- model_resnet: log-mel, from scratch ----------------------------------------------------------
resnet_epochs = 60
resnet_batch_chunks = 16
resnet_learning_rate = 2e-3  # the greatest of one cycle
resnet_weight_decay = 0.05
resnet_gain = 0.5            # as sincnet_gain
resnet_mixup = 0.3           # alpha of the shares of two clips that are mixed (Zhang et al. 2018); 0: none
resnet_masks = 2             # SpecAugment (Park et al. 2019): masks of bands and of frames a chunk; 0: none
resnet_mask_bands = 16       # the most that one mask hides, of 128 bands
resnet_mask_frames = 24      # and of 187 frames
resnet_label_smoothing = 0.1

# ---- train_mlp.py: classifiers on features of parts of clips (SincNet-MER) --------------------------
part_seconds = 7.5           # length of a part of a clip: 4 parts of 30 s; 3600: whole clips
selected_features = 50       # features that chi2 keeps for the seven classifiers of the thesis
comparison_folds = 10        # folds inside the training clips that compare classifiers when --clf is not given
svm_folds = 5                # folds inside the training clips that choose C and gamma of --clf svm

# ---- Report and machine ---------------------------------------------------------------------------
cross_tests = True           # test every model also on the other music corpora that have a store
n_bootstrap = 2000           # resamples behind the 95 % intervals
extract_jobs = 0             # processes of the feature extraction, 0: as many as the machine has cores
