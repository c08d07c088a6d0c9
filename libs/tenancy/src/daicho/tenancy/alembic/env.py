"""Alembic's environment, said once for every service; :mod:`daicho.tenancy.migrate` hands it the connection."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    transaction_per_migration=True,
    daicho_service=attributes["service"],
)
with context.begin_transaction():
    context.run_migrations()
