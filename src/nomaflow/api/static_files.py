"""The pages: the built files of frontend/, and index.html for every address that is a page's."""

import mimetypes
import secrets
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

BUILT = Path(__file__).parent.parent / "static"
FOREVER = "public, max-age=31536000, immutable"  # the names of assets carry a hash of their content
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # in the order of preference
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'self'"
)
NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Nomaflow</title></head>
<body>
<h1>Nomaflow is running, without its pages</h1>
<p>They were left out when it was installed. In a checkout, with Node 20.19 or newer, or a network
to fetch it, install it again: <code>pip install -e .</code> without <code>NOMAFLOW_UI=skip</code>.
</p>
<p>The command line and the API under <code>/api/v1</code> work as they are.</p>
</body>
</html>
"""


class PageAddress(Convertor[str]):
    """A path that is not the API's, so that its errors stay problem documents."""

    regex = r"(?!(?:api|socket\.io)(?:/|$)).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def install(app: FastAPI, folder: Path = BUILT) -> None:
    """Serve the pages at every address that no other route takes: add this one last."""
    register_url_convertor("page", PageAddress())
    pages = Pages(folder)
    app.router.routes.append(Route("/{path:page}", pages.answer, include_in_schema=False))


class Pages:
    """What was built, known at start: an address either names one of its files or is a page."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            str(path.relative_to(folder)): path
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        index = self._files.get("index.html")
        self._index = NOT_BUILT if index is None else index.read_text(encoding="utf-8")

    async def answer(self, request: Request) -> Response:
        path: str = request.path_params["path"]
        if path.startswith("assets/") or (path in self._files and path != "index.html"):
            return self._file(path, request)
        return self._page(request)

    def _file(self, path: str, request: Request) -> Response:
        """The file, as small as the browser takes it. Raises HTTPException 404."""
        if path not in self._files:
            raise HTTPException(404, "No such file. After an update, reload the page.")
        encoding = self._encoding(path, request.headers.get("accept-encoding", ""))
        headers = {
            "Cache-Control": FOREVER if path.startswith("assets/") else "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if encoding:
            headers["Content-Encoding"] = encoding
        sent = self._files[path + ENCODINGS.get(encoding, "")]
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return FileResponse(sent, headers=headers, media_type=kind)

    def _page(self, request: Request) -> Response:
        """index.html with the place that the pages live at, and a nonce for their styles."""
        nonce = secrets.token_urlsafe(16)
        base = escape(request.scope.get("root_path", "").rstrip("/") + "/")
        page = self._index.replace('<base href="/" />', f'<base href="{base}" />')
        page = page.replace('name="csp-nonce" content=""', f'name="csp-nonce" content="{nonce}"')
        return HTMLResponse(
            page,
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": POLICY.format(nonce=nonce),
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _encoding(self, path: str, accepted: str) -> str:
        """The best encoding that the browser accepts and that was built, else none."""
        names = {part.partition(";")[0].strip() for part in accepted.split(",")}
        fit = (
            encoding
            for encoding, ending in ENCODINGS.items()
            if encoding in names and path + ending in self._files
        )
        return next(fit, "")
