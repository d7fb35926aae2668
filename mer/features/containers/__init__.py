"""What the bytes of a sound file say of themselves: frames, pages, sizes; and the decoder for the rest."""

# What is taken for sound in a folder. A file that is named by itself is tried whatever its suffix.
AUDIO_SUFFIXES = (".mp3", ".flac", ".ogg", ".wav", ".m4a", ".opus", ".aac", ".aif", ".aiff", ".aifc", ".wave", ".w64",
                  ".rf64", ".au", ".snd", ".caf", ".oga", ".spx", ".mp2", ".mp1", ".mpga", ".m4b", ".mp4", ".m4v",
                  ".mov", ".3gp", ".3g2", ".mka", ".mkv", ".webm", ".weba", ".wma", ".asf", ".wv", ".ape", ".tta",
                  ".mpc", ".amr", ".ac3", ".eac3", ".dts", ".ra", ".rm", ".dsf", ".avi", ".flv")
