"""Shared core of the scripts: audio -> log-mel patches -> pretrained encoder -> emotion heads -> report."""


class MerError(Exception):
    """A mistake the user can mend.

    The message is one sentence that says what came, what was expected and what to do;
    `mer.cli.run` prints it without a traceback and exits with status 1.
    """
