"""Style sheets and scripts: read once, packed once, kept by the browser for as long as they do not change."""

import gzip
import hashlib
from pathlib import Path

from aiohttp import web

HERE = Path(__file__).parent / "static"
PACKAGES = Path(__file__).parents[3] / "node_modules"
PACKED = {
    "weui.css": "weui/dist/style/weui.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.js": "htmx-ext-sse/dist/sse.min.js",
}
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class AssetMissing(Exception):
    """A file from node_modules is not there; ``str()`` is the sentence for the terminal."""


class Assets:
    """``url("page.css")`` is where the page finds a file; one version names them all, so that scripts find each other."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}
        version = hashlib.sha256()
        files = {name: PACKAGES / path for name, path in PACKED.items()} | {path.name: path for path in sorted(HERE.iterdir())}
        for name, path in files.items():
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                raise AssetMissing(f"{path.relative_to(PACKAGES.parent)} is not there; make run installs it.") from None
            self._packed[name] = gzip.compress(content, mtime=0)
            version.update(content)
        self._version = version.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Raises KeyError for a file that is not served."""
        if name not in self._packed:
            raise KeyError(name)
        return f"/assets/{self._version}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._packed or request.match_info["version"] != self._version:
            raise web.HTTPNotFound
        return web.Response(
            body=self._packed[name],
            content_type=TYPES[Path(name).suffix],
            charset="utf-8",
            headers={"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"},
        )
