"""The built book on a server of this machine, as it is served online."""

from __future__ import annotations

import functools
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tools import ROOT

HTML = ROOT / "_build" / "html"
BASE_URL = yaml.safe_load((ROOT / "_config.yml").read_text())["html"]["baseurl"]
PREFIX = urlsplit(BASE_URL).path
TEXT = (".css", ".html", ".js", ".json", ".svg", ".txt")


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder under the book's prefix; text is compressed, as GitHub does."""

    protocol_version = "HTTP/1.1"  # one connection for many files

    def translate_path(self, path: str) -> str:
        """Return the file for an address."""
        return super().translate_path(path.removeprefix(PREFIX))

    def do_GET(self) -> None:
        """Send a file, a text compressed if the browser can read that."""
        path = Path(self.translate_path(self.path))
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepted and path.suffix in TEXT and path.is_file()):
            super().do_GET()
            return
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def serve(folder: Path = HTML) -> Iterator[str]:
    """Serve the book while the block runs; yield the address of its first folder."""
    handler = functools.partial(Handler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()
