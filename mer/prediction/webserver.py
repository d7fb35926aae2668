"""A gradio page for this machine only, unless --host says more; nothing from the network, nothing left on disk."""

import ipaddress
import os
import shutil
import signal
import stat
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from mer import MerError

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost", "[::1]")
MOST_UPLOADS = 10  # of the largest size, stored at a time; they are removed after an hour
WAITING = 8  # songs in the queue; one is worked on at a time
_PREFIX, _LOCK = "mer_app_", ".lock"
_OLD_SECONDS = 86_400
# The browser loads nothing from elsewhere. Gradio evaluates its own templates, and its styles stand in the page.
POLICY = ("default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
          "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'")


class Local:
    """ASGI middleware: only pages of this server, in a browser on this computer, may ask for anything.

    Refused with 403 are requests that name another host (DNS rebinding), come from a page of another origin, or ask the
    server to fetch something (gradio's file route would fetch a URL); with 413, uploads for which there is no room.

    Parameters
    ----------
    app : callable
        The ASGI application behind it.
    folder : pathlib.Path or None
        Where everything is stored; None: nothing is counted.
    most_bytes : int
        That may be stored there in total.
    most_upload : int
        Bytes of one request.
    host : str or None
        One more address under which this computer may be asked.
    """

    def __init__(self, app, folder=None, most_bytes=0, most_upload=0, host=None):
        self.app, self.folder, self.most_bytes, self.most_upload = app, folder, most_bytes, most_upload
        self.names = (*NAMES, *([f"[{host}]" if ":" in host else host] if host else []))

    async def __call__(self, scope, receive, send):
        """Refuse, or pass on and add the content security policy to the answer."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        if not _is_local(scope, self.names):
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1008})
            return await _answer(send, 403, b"This page does not answer under this name.")
        if self.folder and scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            left = min(self.most_upload, self.most_bytes - stored_bytes(self.folder))
            length = b"".join(_values(scope, b"content-length"))
            if left <= 0 or (length.isdigit() and int(length) > left):
                return await _answer(send, 413, b"There is no room for this file: it is too large, or too many were "
                                                b"sent within an hour. Start app.py again, or see --upload-mb.")
            receive = _counted(receive, left)

        async def with_policy(message):
            if message["type"] == "http.response.start":
                extra = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return await self.app(scope, receive, with_policy)


def _values(scope, name):
    return [value for key, value in scope["headers"] if key.lower() == name]


def _is_local(scope, names):
    """Whether a request names one of our names, comes from no other page, and asks for nothing from the network."""
    hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
    if len(hosts) != 1 or "file=http" in scope["path"]:
        return False
    host = hosts[0].decode("latin-1")
    if host.rpartition(":")[0] not in names and host not in names:
        return False
    if any(origin != b"http://" + hosts[0] for origin in origins):
        return False
    # Browsers say so also where they send no origin: pictures and forms of other pages, on other ports too
    opens_page = (scope["type"] == "http" and scope["method"] == "GET"
                  and _values(scope, b"sec-fetch-mode") == [b"navigate"])
    return opens_page or not {b"cross-site", b"same-site"} & set(_values(scope, b"sec-fetch-site"))


def _counted(receive, left):
    """`receive` that ends the connection of a client that sends more than it may, whatever length it has declared."""
    async def counted():
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}
    return counted


async def _answer(send, status, words):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": words})


def stored_bytes(folder):
    """Size of all files below a folder, each at least a block of 4 kB."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                total += max(os.lstat(os.path.join(place, name)).st_size, 4096)
    return total


@contextmanager
def private_folder():
    """A temporary folder for uploads, set for gradio before it is imported and removed at the end.

    Folders that earlier runs of this user left behind, because they were killed, are removed first.

    Yields
    ------
    pathlib.Path

    Raises
    ------
    MerError
        Gradio is not installed.
    """
    import filelock
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder, \
            filelock.FileLock(Path(folder) / _LOCK):
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


def remove_leftovers():
    """Remove the folders of uploads of processes that are gone: of this user only, and none whose process lives."""
    import filelock
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, NotImplementedError):
            about = folder.lstat()
            mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            if not stat.S_ISDIR(about.st_mode) or not mine:
                continue
            if not (folder / _LOCK).exists():  # begun this moment, or by a version that had no lock
                if time.time() - about.st_mtime > _OLD_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            with suppress(filelock.Timeout), filelock.FileLock(folder / _LOCK, timeout=0, fallback_to_soft=False):
                shutil.rmtree(folder, ignore_errors=True)


def checked_host(host):
    """An address at which other devices may ask this computer.

    Parameters
    ----------
    host : str
        An IP address of this computer.

    Returns
    -------
    str

    Raises
    ------
    MerError
        It is no address, or stands for all addresses of this computer.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise MerError(f"--host {host!r} is no address: give the one that this computer has in your network, such as "
                       "192.168.1.5") from None
    if address.is_unspecified:
        raise MerError(f"--host {host} stands for every network that this computer is in: give the address that it has "
                       "in your own, such as 192.168.1.5")
    return str(address)


def serve(page, *, port, browser, upload_mb, look, folder=None, host=None):
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
    folder : pathlib.Path or None
        Of `private_folder`: uploads and downloads together may take ten times the largest upload there.
    host : str or None
        From `checked_host`: serve this address, to every device that reaches it, in place of this computer alone.

    Raises
    ------
    MerError
        The port is taken, or no port.
    """
    from starlette.middleware import Middleware

    room = {"folder": folder, "most_bytes": MOST_UPLOADS * upload_mb * 2**20, "most_upload": (upload_mb + 1) * 2**20,
            "host": host}
    page.queue(max_size=WAITING, default_concurrency_limit=1)
    try:
        _, address, _ = page.launch(
            server_name=host or HOST, server_port=port, share=False, inbrowser=browser, quiet=True,
            prevent_thread_lock=True, max_file_size=f"{upload_mb}mb", allowed_paths=[], ssr_mode=False,
            mcp_server=False, pwa=False, run_history=False, enable_monitoring=False, footer_links=[], strict_cors=True,
            app_kwargs={"middleware": [Middleware(Local, **room)]}, **look)
    except (OSError, OverflowError) as error:  # OverflowError: a port above 65535
        raise MerError(f"port {port or '7860 to 7959'}{f' of {host}' if host else ''} cannot be used "
                       f"({str(error).split('. You')[0]}): choose another one with --port") from None
    print(f"The page is at {address} (Ctrl+C ends it)", flush=True)
    if host and not ipaddress.ip_address(host).is_loopback:
        print("  Every device that reaches this address can use the page: no password, no encryption. Leave --host out "
              "to keep it to this computer.", flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        print()
    page.close(verbose=False)
