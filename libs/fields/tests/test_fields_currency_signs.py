"""A money field reads its own currency's signs and refuses the others."""

import pytest

from daicho.fields import FieldDefinition, FieldType, FieldValidator
from daicho.nihongo import Unreadable

USD = FieldValidator(FieldDefinition(key="usd", type=FieldType.MONEY, currency="USD"))


@pytest.mark.parametrize("typed", ["$12", "12 USD", "12USD", "US$12", "usd 12", "$ 12.00", "＄１２"])
def test_own_sign_is_dropped(typed: str) -> None:
    assert USD.from_text(typed) == {"amount": 1200, "currency": "USD"}


@pytest.mark.parametrize(
    "typed", ["€12", "EUR 12", "£12", "JPY 1200", "ABC12", "₩1200", "¥12", "12円", "$$12"]
)
def test_sign_of_another_currency_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable, match="invalid_number"):
        USD.from_text(typed)


def test_negative_amount_keeps_its_sign() -> None:
    assert USD.from_text("-$12") == {"amount": -1200, "currency": "USD"}
