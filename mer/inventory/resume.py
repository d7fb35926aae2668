"""Download over HTTP that outlives broken connections: a .part file grows, from the next mirror if need be."""

import collections
import json
import os
import re
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from mer import MerError, progress

ROUNDS = 4  # through all mirrors, without one more byte
WAIT_SECONDS = 5  # after the first such round; doubled with each that follows it
TIMEOUT_SECONDS = (15, 60)  # to connect; between two packets
CHUNK_BYTES = 1 << 16  # what a broken connection may lose
_TRANSIENT = (408, 425, 429)
_REASONS = ((requests.exceptions.SSLError, "its certificate is not trusted"),
            (requests.exceptions.ProxyError, "the proxy cannot be used"),
            ((requests.Timeout, urllib3.exceptions.TimeoutError), "no answer in time"),
            (requests.exceptions.ConnectionError, "no connection"))


class _Broken(Exception):
    """A failure that may be over at the next try."""


class _Refused(Exception):
    """A mirror that will not help however often it is asked."""


class Downloader:
    """A downloader for `pooch.retrieve`.

    Parameters
    ----------
    urls : sequence of str
        The same file on several servers.
    part : pathlib.Path
        Where the bytes are kept until the file is complete. It stays after an interruption, and also until the
        caller removes it: the checksum may be interrupted, too.
    size : int
        Length of the file in bytes.

    Notes
    -----
    The ETag of a server is compared here, not by If-Range: servers that redirect to one of several mirrors would
    answer that by sending everything again.
    """

    def __init__(self, urls, part, size):
        self._urls, self._part, self._size = urls, Path(part), size
        self._mark = self._part.with_name(self._part.name + ".json")
        self._may_restart = True  # once: the servers behind one address may disagree on the version for ever

    def __call__(self, url, output_file, pooch=None):
        """Complete the part file and put it at `output_file`; `url` is not used, see `urls`.

        Raises
        ------
        MerError
            No server gives the rest of the file.
        """
        self._part.parent.mkdir(parents=True, exist_ok=True)
        if self.have > self._size:
            self.forget()
        with progress.bar(total=self._size, initial=self.have, unit="B", unit_scale=True, unit_divisor=1000,
                          desc=self._part.stem) as bar:
            self._complete(bar)
        print(f"  {self._part.stem} is here, its checksum is computed", file=sys.stderr)
        os.unlink(output_file)
        try:
            os.link(self._part, output_file)
        except OSError:  # a file system without links
            os.replace(self._part, output_file)

    @property
    def have(self):
        """Bytes that are there."""
        return self._part.stat().st_size if self._part.exists() else 0

    def forget(self):
        """Remove what was kept."""
        self._part.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def _complete(self, bar):
        mirrors, reasons = collections.deque(self._urls), {}
        fruitless, best = 0, self.have
        while self.have < self._size:
            host = urlsplit(mirrors[0]).netloc
            try:
                self._continue(mirrors[0], bar)
            except _Refused as error:
                reason = str(error)
                mirrors.popleft()
            except (_Broken, requests.RequestException, urllib3.exceptions.HTTPError) as error:
                reason = _reason(error)
                fruitless = 0 if self.have > best else fruitless + 1
                if fruitless:
                    mirrors.rotate(-1)
            else:
                continue
            best = max(best, self.have)
            if not fruitless or reasons.get(host) != reason:
                _print(bar, f"{host}: {reason}; {self._progress(bar)} are there")
            reasons[host] = reason
            if not mirrors or fruitless >= ROUNDS * len(mirrors):
                raise MerError(f"{self._part.stem} could not be downloaded ({_grouped(reasons)}): "
                               f"{self._progress(bar)} are kept; check the connection and run the same command, it "
                               "goes on from there")
            if fruitless and fruitless % len(mirrors) == 0:
                seconds = WAIT_SECONDS * 2 ** (fruitless // len(mirrors) - 1)
                _print(bar, f"trying again in {seconds} s")
                time.sleep(seconds)

    def _progress(self, bar):
        return f"{bar.format_sizeof(self.have)}B of {bar.format_sizeof(self._size)}B"

    def _continue(self, url, bar):
        """Fetch from where the part file ends."""
        have = self.have
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            begin = self._begin(response, have)
            if have and self._may_restart and self._has_changed(response):
                self._may_restart = False
                self.forget()
                bar.reset(total=self._size)
                raise _Broken("the file on the server has changed, so it is fetched from its beginning")
            self._note(response)
            self._append(response, have - begin, bar)
        if self.have < self._size:
            raise _Broken("the connection ended early")

    def _begin(self, response, have):
        """Place in the file of the first byte of the answer, at most `have`."""
        status, headers = response.status_code, response.headers
        if status in _TRANSIENT or status >= 500:
            raise _Broken(f"status {status}")
        if status == 200:
            begin, total = 0, headers.get("Content-Length")
        elif status == 206:
            range_ = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
            begin, total = (int(range_[1]), range_[2].replace("*", "")) if range_ else (have + 1, None)
            if begin > have:
                raise _Refused(f"asked for the bytes from {have} on, it sent {headers.get('Content-Range')!r}")
        elif status == 416:
            raise _Refused(f"the file ends before byte {have} there, {self._size} bytes were expected")
        else:
            raise _Refused(f"status {status}")
        if total and total != str(self._size):
            raise _Refused(f"the file has {total} bytes there, {self._size} were expected")
        return begin

    def _append(self, response, surplus, bar):
        """Write the body, of which the first `surplus` bytes are there already."""
        with open(self._part, "ab") as file:
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                chunk, surplus = chunk[surplus:], max(0, surplus - len(chunk))
                if file.tell() + len(chunk) > self._size:
                    raise _Refused(f"it sends more than the {self._size} bytes that were expected")
                file.write(chunk)
                bar.update(len(chunk))

    def _has_changed(self, response):
        """True where the same server names another version than the one that the part file came from."""
        try:
            known = json.loads(self._mark.read_text(encoding="utf-8"))
            return known["url"] == response.url and known["version"] != _version(response)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _note(self, response):
        self._mark.write_text(json.dumps({"url": response.url, "version": _version(response)}), encoding="utf-8")


def _version(response):
    return response.headers.get("ETag") or response.headers.get("Last-Modified")


def _print(bar, text):
    (bar.write if sys.stderr.isatty() else print)(f"  {text}", file=sys.stderr)


def _grouped(reasons):
    """Each reason once, with the hosts that it holds for."""
    hosts = {}
    for host, reason in reasons.items():
        hosts.setdefault(reason, []).append(host)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in hosts.items())


def _reason(error):
    if isinstance(error, _Broken):
        return str(error)
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "the connection broke")
