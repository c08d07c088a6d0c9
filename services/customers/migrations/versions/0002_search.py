"""The look-up behind search: ids of contacts and companies by blind-index tokens.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

from daicho.tenancy.migrations import TENANT, definer_function

revision = "0002"
down_revision = "0001"

# ``terms`` is a JSON list of words; a word is a list of alternatives, an alternative a list of tokens that
# must all be there. Tokens become a literal of the statement, so that the planner sees how common they are
# and chooses between the index of tokens and a walk from the newest.
_BODY = """
DECLARE
    condition text := '';
    word jsonb;
    alternative jsonb;
    wanted text;
    either text;
BEGIN
    FOR word IN SELECT value FROM jsonb_array_elements(terms) LOOP
        either := '';
        FOR alternative IN SELECT value FROM jsonb_array_elements(word) LOOP
            SELECT string_agg(token::bigint::text, ',') INTO wanted FROM jsonb_array_elements_text(alternative) AS token;
            either := either || CASE either WHEN '' THEN '' ELSE ' OR ' END
                || format('tokens @> %L::bigint[]', '{' || coalesce(wanted, '') || '}');
        END LOOP;
        condition := condition || ' AND (' || either || ')';
    END LOOP;
    RETURN QUERY EXECUTE
        'SELECT r.id FROM {table} r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL AND r.id < $2'
        || CASE WHEN owners IS NULL THEN '' ELSE ' AND r.owner_id = ANY ($3)' END
        || condition || ' ORDER BY r.id DESC LIMIT $4'
        USING {tenant}, after, owners, page;
END
"""


def upgrade() -> None:
    """Create one function a resource."""
    for table in ("contact", "company"):
        definer_function(
            op,
            f"search_{table}_ids",
            "terms jsonb, owners uuid[], after uuid, page integer",
            "SETOF uuid",
            _BODY.replace("{table}", table).replace("{tenant}", TENANT),
            reads={table: ("tenant_id", "id", "owner_id", "deleted_at", "tokens")},
            attributes="STABLE ROWS 50",
        )
