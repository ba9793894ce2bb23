"""How people spell keys, file names and addresses."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pwdlib import PasswordHash

from commands.logins import valid_email
from commands.musical_keys import musical_key
from commands.passwords import NOBODYS, Passwords
from commands.staging import clean_filename
from events.audio import MUSICAL_KEYS


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


@given(st.text(max_size=700))
def test_a_clean_file_name_is_a_plain_short_name(sent: str) -> None:
    name = clean_filename(sent)
    assert 1 <= len(name) <= 500
    assert "/" not in name
    assert "\\" not in name
    assert name not in (".", "..")
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name)
    assert clean_filename(name) == name


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
