"""Which passwords are refused, and that a sentence never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.account.passwords import Passwords
from commands.account.weak_passwords import COMMON, PasswordTooCommon, refuse_weak

COMMONEST = COMMON.read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    "password",
    [
        *(
            "password",
            "PASSWORD",
            " password ",
            "Password1",
            "ｐａｓｓｗｏｒｄ",
            "iloveyou",
            "qwerty123",
        ),
        *("aaaaaaaa", "        ", "12121212", "abcabcab", "ééééééééé", "🎵🎵🎵🎵🎵🎵🎵🎵"),
        *("12345678", "87654321", "1234567890", "0987654321", "abcdefgh", "zyxwvuts", "абвгдежз"),
        *("qwertyuiop", "lkjhgfdsa", "йцукенгш", "NoCulture", "noculture OS"),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooCommon) as refused:
        refuse_weak(password)
    assert (refused.value.status, refused.value.code) == (422, "password-too-common")
    assert "choose another" in str(refused.value)


@pytest.mark.parametrize(
    "password",
    ["ada.okoye@example.org", "ADA.OKOYE@example.org", "ada.okoye", "Ada Okoye", "adaokoye"],
)
def test_what_others_know_of_somebody_is_no_password_of_theirs(password: str) -> None:
    refuse_weak(password, "klara@example.org", "Klara")
    with pytest.raises(PasswordTooCommon, match="e-mail address or your name"):
        refuse_weak(password, "ada.okoye@example.org", "Ada Okoye")


@pytest.mark.parametrize(
    "password",
    [
        *("a long pass phrase", "a long enough password", "correct horse battery staple"),
        *("a long password", "café au lait", "somebody's", "Sing1ngBird", "тихая гавань"),
    ],
)
def test_a_sentence_of_ones_own_is_a_password(password: str) -> None:
    refuse_weak(password, "ada@example.org", "Ada", None)


@given(st.sampled_from(COMMONEST), st.sampled_from([str.upper, str.title, lambda text: f"{text} "]))
def test_no_spelling_of_a_common_password_is_let_through(common: str, spelt) -> None:
    with pytest.raises(PasswordTooCommon):
        refuse_weak(spelt(common))


@given(st.text(min_size=1, max_size=3), st.integers(3, 20))
def test_what_only_repeats_itself_is_refused(unit: str, times: int) -> None:
    with pytest.raises(PasswordTooCommon):
        refuse_weak(unit * times)


def test_the_list_holds_what_the_rule_for_length_lets_through() -> None:
    assert len(COMMONEST) == len(set(COMMONEST)) == 10_000
    assert min(map(len, COMMONEST)) >= 8


def test_a_weak_password_is_never_hashed() -> None:
    with pytest.raises(PasswordTooCommon):
        Passwords().hash("password")
