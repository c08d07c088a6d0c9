"""What text from Japan needs: widths, kana, 異体字, company forms, telephones, postal codes, numbers, eras, days.

Everything here is pure. ``read_*`` functions turn what a person typed into the one stored form, or raise
:class:`Unreadable` with a field code of ``daicho.faults``; ``show_*`` functions go the other way.
"""

from daicho.nihongo.addresses import AddressParts, split_address
from daicho.nihongo.calendar import (
    Period,
    add_business_days,
    add_months,
    fiscal_half_period,
    fiscal_quarter_period,
    fiscal_year,
    fiscal_year_period,
    holiday_name,
    is_business_day,
)
from daicho.nihongo.companies import CompanyName, split_company
from daicho.nihongo.dates import ERAS, JAPAN, Era, read_date, read_datetime, show_era
from daicho.nihongo.day_range import DAY_LIMITS, FIRST_DAY, LAST_DAY, is_day_in_range, is_moment_in_range
from daicho.nihongo.emails import read_email
from daicho.nihongo.folding import FOLD_VERSION, VARIANTS, Folding, fold, search_digits
from daicho.nihongo.kana import KANA_BUCKETS, kana_bucket, store_kana, to_katakana
from daicho.nihongo.lines import drop_unseen, is_single_line, may_hold_unseen, unify_line_ends
from daicho.nihongo.numbers import (
    read_corporate_number,
    read_decimal,
    read_integer,
    read_month,
    read_registration_number,
    read_yen,
)
from daicho.nihongo.phones import is_mobile, phone_digits, read_phone, show_phone, split_extension
from daicho.nihongo.postal import PREFECTURES, Place, places_of, read_postal_code
from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import compose, expands_too_much, narrow, narrow_hyphens, trim
from daicho.nihongo.words import read_boolean

__all__ = [
    "DAY_LIMITS",
    "ERAS",
    "FIRST_DAY",
    "FOLD_VERSION",
    "JAPAN",
    "KANA_BUCKETS",
    "LAST_DAY",
    "PREFECTURES",
    "VARIANTS",
    "AddressParts",
    "CompanyName",
    "Era",
    "Folding",
    "Period",
    "Place",
    "Unreadable",
    "add_business_days",
    "add_months",
    "compose",
    "drop_unseen",
    "expands_too_much",
    "fiscal_half_period",
    "fiscal_quarter_period",
    "fiscal_year",
    "fiscal_year_period",
    "fold",
    "holiday_name",
    "is_business_day",
    "is_day_in_range",
    "is_mobile",
    "is_moment_in_range",
    "is_single_line",
    "kana_bucket",
    "may_hold_unseen",
    "narrow",
    "narrow_hyphens",
    "phone_digits",
    "places_of",
    "read_boolean",
    "read_corporate_number",
    "read_date",
    "read_datetime",
    "read_decimal",
    "read_email",
    "read_integer",
    "read_month",
    "read_phone",
    "read_postal_code",
    "read_registration_number",
    "read_yen",
    "refuse_long",
    "search_digits",
    "show_era",
    "show_phone",
    "split_address",
    "split_company",
    "split_extension",
    "store_kana",
    "to_katakana",
    "trim",
    "unify_line_ends",
]
