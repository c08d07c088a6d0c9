"""Fixtures and factories on real servers; imported by tests only.

The root ``conftest.py`` loads :mod:`daicho.testkit.plugin`; see there for the fixtures.
"""

from daicho.testkit.databases import Databases, TestDatabase
from daicho.testkit.factories import create_actor, create_tenant_id, create_user_id
from daicho.testkit.postgres import PostgresAddress

__all__ = [
    "Databases",
    "PostgresAddress",
    "TestDatabase",
    "create_actor",
    "create_tenant_id",
    "create_user_id",
]
