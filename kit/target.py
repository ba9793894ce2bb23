"""A request whose target is a whole address (`GET http://elsewhere/ HTTP/1.1`) means that address.

The server keeps only its path, and its Host header may say something else (RFC 9112, 3.2.2).
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class WholeTargets(HttpToolsProtocol):
    """Says the target's host as a second Host where they differ: `kit.door` refuses two."""

    def on_headers_complete(self) -> None:
        _, is_whole, rest = self.url.partition(b"://")
        if is_whole and not self.url.startswith(b"/"):
            named = rest.replace(b"?", b"/").replace(b"#", b"/").partition(b"/")[0].lower()
            if named not in {value.lower() for name, value in self.headers if name == b"host"}:
                self.headers.append((b"host", named))
        super().on_headers_complete()
