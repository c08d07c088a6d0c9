"""Settings are typed, and a wrong one is named."""

import msgspec
import pytest

from daicho.runtime import SettingsError, read_settings


class Example(msgspec.Struct):
    database_url: str
    http_port: int = 8000
    otlp_endpoint: str | None = None


def test_text_becomes_the_type_of_its_field() -> None:
    settings = read_settings(Example, {"DAICHO_DATABASE_URL": "postgresql://x", "DAICHO_HTTP_PORT": "0"})
    assert (settings.http_port, settings.otlp_endpoint) == (0, None)


def test_an_empty_value_counts_as_unset() -> None:
    with pytest.raises(SettingsError, match="DAICHO_DATABASE_URL is not set"):
        read_settings(Example, {"DAICHO_DATABASE_URL": ""})


def test_a_wrong_value_is_named_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="DAICHO_HTTP_PORT") as caught:
        read_settings(Example, {"DAICHO_DATABASE_URL": "x", "DAICHO_HTTP_PORT": "s3cret"})
    assert "s3cret" not in str(caught.value)
