"""Numbers are found however they are written, checked, and shown masked."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.vault.models import Secret
from backend.vault.numbers import check_digit, luhn, take_out

TODAY = date(2026, 11, 24)
IDENTITY = "32120219440101001" + check_digit("32120219440101001")
CARD = next(f"620000000000000000{digit}" for digit in range(10) if luhn(f"620000000000000000{digit}"))


@pytest.mark.parametrize(
    ("text", "masked", "kind", "value"),
    [
        (f"我的身份证{IDENTITY}，谢谢", f"我的身份证3212**********001{IDENTITY[-1]}，谢谢", Secret.IDENTITY, IDENTITY),
        (f"{IDENTITY[:6]} {IDENTITY[6:14]} {IDENTITY[14:]}", f"3212**********001{IDENTITY[-1]}", Secret.IDENTITY, IDENTITY),
        ("电话13800000000", "电话138****0000", Secret.PHONE, "13800000000"),
        ("打138 0000 0000找我", "打138****0000找我", Secret.PHONE, "13800000000"),
        ("打138-0000-0000找我", "打138****0000找我", Secret.PHONE, "13800000000"),
        ("１３８００００００００", "138****0000", Secret.PHONE, "13800000000"),
        ("一三八零零零零零零零零打这个", "138****0000打这个", Secret.PHONE, "13800000000"),
        ("+86 13800000000", "138****0000", Secret.PHONE, "13800000000"),
        ("0523-60000000", "0523****000", Secret.PHONE, "052360000000"),
        (f"卡号{CARD}", f"卡号6200****{CARD[-4:]}", Secret.BANK, CARD),
        (f"6200 0000 0000 0000 {CARD[16:]}", f"6200****{CARD[-4:]}", Secret.BANK, CARD),
    ],
)
def test_a_number_is_taken_out(text: str, masked: str, kind: Secret, value: str | None):
    rest, (found,) = take_out(text, today=TODAY)
    assert (rest, found.kind, found.value) == (masked, kind, value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (IDENTITY[:17], "identity_length"),
        ("99" + IDENTITY[2:], "identity_place"),
        (IDENTITY[:10] + "1332" + IDENTITY[14:], "identity_birth"),
        (IDENTITY[:17] + ("0" if IDENTITY[17] != "0" else "1"), "identity_check"),
        ("321202440101001", "identity_old"),
        ("6222a0200011234567", "letters"),
        (CARD[:18] + str((int(CARD[18]) + 1) % 10), "bank_check"),
    ],
)
def test_what_is_wrong_with_a_number_is_known_and_it_is_not_kept(text: str, problem: str):
    rest, (found,) = take_out(f"是{text}吗", today=TODAY)
    assert (found.value, found.problem) == (None, problem)
    assert text not in rest


@pytest.mark.parametrize(
    "text", ["编号1234-5678", "2026-11-24下午3点", "3号楼2单元501", "打12345没人接", "欠了1280000元", "户号320112345678"]
)
def test_other_numbers_stay(text: str):
    assert take_out(text, today=TODAY) == (text, [])


@given(st.integers(0, 10**17 - 1))
def test_a_valid_card_number_is_always_found_and_one_wrong_digit_never_passes(body: int):
    stem = f"62{body:016d}"[:18]
    number = next(stem + digit for digit in "0123456789" if luhn(stem + digit))
    _, (found,) = take_out(f"账号{number}", today=TODAY)
    assert found.value == number
    wrong = str((int(number[4]) + 1) % 10).join((number[:4], number[5:]))
    assert not luhn(wrong)


def test_two_numbers_with_one_space_between_are_two():
    rest, found = take_out(f"13800000000 {IDENTITY}", today=TODAY)
    assert [one.kind for one in found] == [Secret.PHONE, Secret.IDENTITY]
    assert rest == f"138****0000 3212**********001{IDENTITY[-1]}"
