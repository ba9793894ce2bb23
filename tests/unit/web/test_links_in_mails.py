"""Links of a mail are cut out of its text, and nothing else becomes one."""

from __future__ import annotations

import pytest

from web.pages.system.mails import pieces_of


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("at http://127.0.0.1:8420.", ["http://127.0.0.1:8420"]),
        ("Here:\n\nhttps://x.example/a?b=c&d=e#f\n\nBye", ["https://x.example/a?b=c&d=e#f"]),
        (
            "(see https://x.example/a), or http://y.example!",
            ["https://x.example/a", "http://y.example"],
        ),
        ("javascript:alert(1) ftp://x.example mailto:a@example.org", []),
        ('<a href="https://x.example/">', ["https://x.example/"]),
        ("", []),
    ],
)
def test_only_addresses_of_pages_are_links_and_no_text_is_lost(text: str, links: list[str]):
    pieces = list(pieces_of(text))
    assert [piece for piece, is_link in pieces if is_link] == links
    assert "".join(piece for piece, _ in pieces) == text
