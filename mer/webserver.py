"""A gradio page served to this machine only, with nothing from the network and nothing left on disk."""

import os
import signal
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from mer import MerError

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost", "[::1]")
WAITING = 8  # songs in the queue; one is worked on at a time
# The browser loads nothing from elsewhere. Gradio evaluates its own templates, and its styles stand in the page.
POLICY = ("default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
          "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'")


class Local:
    """ASGI middleware: requests that name another host or ask the server to fetch something are refused.

    The first keeps pages of other sites out that point a name of theirs to 127.0.0.1 (DNS rebinding); the second is
    for gradio's file route, which would fetch a URL.

    Parameters
    ----------
    app : callable
        The ASGI application behind it.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Refuse with 403, or pass on and add the content security policy to the answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if (host.rpartition(":")[0] not in NAMES and host not in NAMES) or "file=http" in scope["path"]:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            return await send({"type": "http.response.body", "body": b"This page is for this computer only."})

        async def with_policy(message):
            if message["type"] == "http.response.start":
                extra = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return await self.app(scope, receive, with_policy)


@contextmanager
def private_folder():
    """A temporary folder for uploads, set for gradio before it is imported and removed at the end.

    Yields
    ------
    pathlib.Path

    Raises
    ------
    MerError
        Gradio is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="mer_app_", ignore_cleanup_errors=True) as folder:
        here = ",".join(filter(None, (os.environ.get("NO_PROXY"), *NAMES[:2])))
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(Path(folder) / "uploads"),
                          GRADIO_ALLOWED_PATHS="", GRADIO_ROOT_PATH="", HF_HUB_DISABLE_TELEMETRY="1",
                          HF_HUB_OFFLINE="1", NO_PROXY=here, no_proxy=here)
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise MerError(f"the page needs gradio, which cannot be used here ({error}): run 'pip install -r "
                           "requirements-app.txt'") from None
        yield Path(folder)


def serve(page, *, port, browser, upload_mb, look):
    """Serve the page until the process is interrupted or terminated.

    Parameters
    ----------
    page : gradio.Blocks
    port : int or None
        None: the first free one from 7860.
    browser : bool
        Whether to open a browser window.
    upload_mb : int
        Largest upload in megabytes.
    look : dict
        Further arguments of gradio's `launch`: theme, css.

    Raises
    ------
    MerError
        The port is taken, or no port.
    """
    from starlette.middleware import Middleware

    page.queue(max_size=WAITING, default_concurrency_limit=1)
    try:
        _, address, _ = page.launch(
            server_name=HOST, server_port=port, share=False, inbrowser=browser, quiet=True, prevent_thread_lock=True,
            max_file_size=f"{upload_mb}mb", allowed_paths=[], ssr_mode=False, mcp_server=False, pwa=False,
            run_history=False, enable_monitoring=False, footer_links=[], strict_cors=True,
            app_kwargs={"middleware": [Middleware(Local)]}, **look)
    except (OSError, OverflowError) as error:  # OverflowError: a port above 65535
        raise MerError(f"port {port or '7860 to 7959'} cannot be used ({str(error).split('. You')[0]}): choose another "
                       "one with --port") from None
    print(f"The page is at {address} (Ctrl+C ends it)", flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        print()
    page.close(verbose=False)
