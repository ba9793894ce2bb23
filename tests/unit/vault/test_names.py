"""How people spell keys, file names and addresses."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pwdlib import PasswordHash

from commands.account.logins import valid_email
from commands.account.passwords import NOBODYS, Passwords
from commands.vault.musical_keys import musical_key
from commands.vault.staging import DIGEST_PIECE_BYTES, clean_filename, clean_path, digest_of
from events.vault.audio import MUSICAL_KEYS


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("A minor", "A minor"),
        ("a MINOR", "A minor"),
        ("Am", "A minor"),
        ("C", "C major"),
        ("F#m", "F# minor"),
        ("B♭ min", "A# minor"),
        ("Bbm", "A# minor"),
        ("Dbmaj", "C# major"),
        ("8A", "A minor"),
        ("8B", "C major"),
        ("1A", "G# minor"),
        ("1B", "B major"),
        ("12B", "E major"),
        ("12A", "C# minor"),
        ("5b", "D# major"),
    ],
)
def test_keys_are_known_in_the_spellings_of_musicians(spelled: str, name: str) -> None:
    assert musical_key(spelled) == name


def test_every_key_spells_itself() -> None:
    assert [musical_key(name) for name in MUSICAL_KEYS] == list(MUSICAL_KEYS)
    camelot = {musical_key(f"{hour}{ring}") for hour in range(1, 13) for ring in "AB"}
    assert camelot == set(MUSICAL_KEYS)


@pytest.mark.parametrize("spelled", ["", "H", "E# major", "13A", "0B", "A dorian", "minor"])
def test_what_is_no_key_is_answered_with_all_24(spelled: str) -> None:
    with pytest.raises(ValueError) as refusal:
        musical_key(spelled)
    assert all(name in str(refusal.value) for name in MUSICAL_KEYS)


# Texts with what makes names hard: controls, joiners, composed characters, folders.
HARD = st.text(
    st.one_of(
        st.characters(), st.sampled_from("/\\.: e\u0301\u200c\u200d\u202e\u2066\ufeff\u00ad\x00\n")
    ),
    max_size=700,
)


def unseen(text: str) -> str:
    return "".join(
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\u200c\u200d"
    )


@given(HARD)
def test_a_clean_file_name_is_a_plain_short_name(sent: str) -> None:
    name = clean_filename(sent)
    assert 1 <= len(name) <= 500
    assert "/" not in name
    assert "\\" not in name
    assert name not in (".", "..")
    assert unseen(name) == ""
    assert unicodedata.is_normalized("NFC", name)
    assert clean_filename(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL} mix.wav",
        "می\u200cخواهم.flac",
        "ക്\u200dഷ 1.mp3",
        "\N{HEAVY BLACK HEART}\ufe0f.wav",
    ],
)
def test_joined_emoji_and_persian_and_indic_words_keep_their_spelling(name: str) -> None:
    assert clean_filename(name) == name
    assert clean_path(f"{name}/{name}") == f"{name}/{name}"


@pytest.mark.parametrize(
    "hidden", "\u202a\u202e\u2066\u2069\u200e\u061c\ufeff\u200b\u2060\u00ad\u2028"
)
def test_what_only_hides_what_a_name_says_is_dropped(hidden: str) -> None:
    assert clean_filename(f"{hidden}song{hidden}vaw.exe{hidden}") == "songvaw.exe"


@pytest.mark.parametrize(
    "nothing", [None, "", "..", "\u200d", "\u200c \u00a0\u200d", "\u202e", "a/.."]
)
def test_a_name_of_nothing_that_is_seen_has_another(nothing: str | None) -> None:
    assert clean_filename(nothing) == "untitled"


@given(st.lists(HARD, max_size=6).map("/".join))
def test_a_clean_path_leads_from_the_chosen_folder_down_to_the_file(sent: str) -> None:
    path = clean_path(sent)
    if path is None:
        return
    parts = path.split("/")
    assert len(path) <= 2000
    assert len(parts) > 1
    assert all(part == clean_filename(part) for part in parts)
    assert clean_path(path) == path


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("Song A/Kick.wav", "Song A/Kick.wav"),
        ("/Song A//Kick.wav", "Song A/Kick.wav"),
        ("../../etc/passwd", "etc/passwd"),
        ("a/./b/../Kick.wav", "a/b/Kick.wav"),
        ("C:\\Music\\Kick.wav", "Music/Kick.wav"),
        ("Cafe\u0301/Kick\u202e.wav", "Café/Kick.wav"),
        ("Kick.wav", None),
        ("/Kick.wav", None),
        ("null", None),  # as Uppy says that there is none
        ("", None),
        (None, None),
        ("x" * 400 + "/" + "y" * 1900 + "/z.wav", "x" * 400 + "/" + "y" * 500 + "/z.wav"),
        (f"{'x' * 490}/" * 5 + "z.wav", f"{'x' * 490}/" * 4 + "z.wav"),
    ],
)
def test_a_path_says_where_a_file_lay_in_the_folder(sent: str | None, path: str | None) -> None:
    assert clean_path(sent) == path


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 3 * DIGEST_PIECE_BYTES // 2), max_size=4), st.randoms())
def test_a_digest_is_the_same_however_the_bytes_come(lengths: list[int], random: Random) -> None:
    data = bytes(sum(lengths)) + random.randbytes(10)
    cuts = [0, *itertools.accumulate(lengths), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(cuts)]
    eights = range(0, len(data), DIGEST_PIECE_BYTES)
    parts = [hashlib.sha256(data[at : at + DIGEST_PIECE_BYTES]).digest() for at in eights]
    assert digest_of(pieces) == hashlib.sha256(b"".join(parts)).digest()


def test_addresses_of_local_networks_are_addresses() -> None:
    for address in ("a@example.com", "a@studio.test", "a@localhost", "ä@müller.example"):
        assert "@" in valid_email(address)
    for nothing in ("", "a", "a@", "@b", "a b@c.de", "a@b\n.c"):
        with pytest.raises(ValueError):
            valid_email(nothing)


def test_a_password_fits_in_either_unicode_form_and_none_fits_nobody() -> None:
    passwords = Passwords()
    stored = passwords.hash("caf\u00e9 au lait")
    assert stored.startswith("$argon2id$")
    assert passwords.fits("cafe\u0301 au lait", stored)
    assert not passwords.fits("cafe au lait", stored)
    assert not passwords.fits("the password of nobody", None)


def test_looking_for_nobody_costs_what_looking_for_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords, verified = Passwords(), []
    stored = passwords.hash("somebody's")
    verify = PasswordHash.verify

    def counted(self: PasswordHash, password: str, against: str) -> bool:
        verified.append(against)
        return verify(self, password, against)

    monkeypatch.setattr(PasswordHash, "verify", counted)
    assert not passwords.fits("another", stored)
    assert not passwords.fits("another", None)
    ours, nobodys = verified
    # The method, its memory, its rounds.
    assert nobodys == NOBODYS
    assert nobodys.split("$")[:4] == ours.split("$")[:4]
