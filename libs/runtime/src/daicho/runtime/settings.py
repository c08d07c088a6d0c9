"""Typed settings from a mapping of names to text.

Reading the process's environment is the edge's business: ``read_settings(Settings, os.environ)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

PREFIX = "DAICHO_"

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


class SettingsError(Exception):
    """A setting is missing or does not read; the text names the variable and what is wrong with it."""


def read_settings(kind: type[SettingsT], environ: Mapping[str, str]) -> SettingsT:
    """Settings of ``kind`` from ``environ``, where field ``http_port`` is named ``DAICHO_HTTP_PORT``.

    Text is converted to the field's type (numbers, booleans); an empty value counts as unset.
    Raises :class:`SettingsError`, which never repeats a value: it may be a secret.
    """
    given: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):
        name = variable_name(field.name)
        if environ.get(name):
            given[field.name] = environ[name]
        elif field.required:
            raise SettingsError(f"{name} is not set")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise SettingsError(f"{variable_name(path.rstrip('`')) if path else 'settings'}: {reason}") from None


def variable_name(field: str) -> str:
    """The environment variable that sets ``field``."""
    return PREFIX + field.upper()
