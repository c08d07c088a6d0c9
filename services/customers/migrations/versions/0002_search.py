"""The look-up behind search: ids of contacts and companies by blind-index tokens.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

from daicho.tenancy.migrations import TENANT, definer_function

revision = "0002"
down_revision = "0001"

# ``terms`` is a JSON list of words; a word is a list of alternatives, an alternative a list of tokens that
# must all be there. Tokens become literals of the statement.
#
# Two ways lead to the newest hits. A walk from the newest reads rows until the page is full: right for common
# words. The index of tokens finds every hit, then sorts: right for rare ones. How common a word is, say the
# column's statistics of its rarest token; a token that is not among the most common elements is rare. Tokens
# go together (株式, 式会, 会社), so the planner's product of frequencies is wrong by orders, and a word of common
# tokens can still be rare: therefore the walk gives up after WALK rows, and the index finds what is left.
WALK = 8_000
COMMON = 4_000

_BODY = """
DECLARE
    condition text := '';
    elements bigint[];
    frequencies float4[];
    frequency float4 := 1;
    likeliest float4;
    rarest float4;
    word jsonb;
    alternative jsonb;
    wanted bigint[];
    either text;
    hits uuid[];
    reached uuid := after;
    live text := ' FROM {table} WHERE tenant_id = $1 AND deleted_at IS NULL AND id < $2';
BEGIN
    SELECT most_common_elems::text::bigint[], most_common_elem_freqs INTO elements, frequencies
    FROM pg_stats WHERE schemaname = 'public' AND tablename = '{table}' AND attname = 'tokens';
    FOR word IN SELECT value FROM jsonb_array_elements(terms) LOOP
        either := '';
        likeliest := 0;
        FOR alternative IN SELECT value FROM jsonb_array_elements(word) LOOP
            SELECT array_agg(token::bigint), min(coalesce(frequencies[array_position(elements, token::bigint)], 0))
            INTO wanted, rarest FROM jsonb_array_elements_text(alternative) AS token;
            CONTINUE WHEN wanted IS NULL;
            likeliest := greatest(likeliest, rarest);
            either := either || CASE either WHEN '' THEN '' ELSE ' OR ' END
                || format('tokens @> %L::bigint[]', wanted);
        END LOOP;
        CONTINUE WHEN either = '';
        frequency := least(frequency, likeliest);
        condition := condition || ' AND (' || either || ')';
    END LOOP;
    IF condition = '' OR cardinality(owners) = 0 THEN
        RETURN;
    END IF;

    IF frequency * (SELECT reltuples FROM pg_class WHERE oid = 'public.{table}'::regclass) > {common} THEN
        IF owners IS NULL THEN
            EXECUTE 'SELECT array(SELECT id FROM (SELECT id, tokens' || live
                || ' ORDER BY id DESC LIMIT {walk}) AS walked WHERE true' || condition || ' LIMIT $3)'
                INTO hits USING {tenant}, after, page;
            IF cardinality(hits) < page THEN
                EXECUTE 'SELECT id' || live || ' ORDER BY id DESC OFFSET {walk} - 1 LIMIT 1'
                    INTO reached USING {tenant}, after;
            END IF;
        ELSE
            -- Each owner's newest; below the oldest row of an owner who has more, nothing is known yet.
            EXECUTE 'WITH walked AS MATERIALIZED (
                    SELECT o.owner_id, x.id, true' || condition || ' AS fits FROM unnest($3) AS o(owner_id)
                    CROSS JOIN LATERAL (SELECT id, tokens' || live
                || ' AND {table}.owner_id = o.owner_id ORDER BY id DESC LIMIT $4) AS x),
                ends AS (SELECT (array_agg(id ORDER BY id))[1] AS last FROM walked
                    GROUP BY owner_id HAVING count(*) = $4),
                reached AS (SELECT last FROM ends ORDER BY last DESC LIMIT 1)
                SELECT array(SELECT id FROM walked WHERE fits AND id >= coalesce((SELECT last FROM reached), id)
                    ORDER BY id DESC LIMIT $5), (SELECT last FROM reached)'
                INTO hits, reached
                USING {tenant}, after, owners, greatest({walk} / cardinality(owners), 200), page;
        END IF;
        RETURN QUERY SELECT unnest(hits);
        IF cardinality(hits) >= page OR reached IS NULL THEN
            RETURN;
        END IF;
        page := page - cardinality(hits);
    END IF;

    PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true);
    RETURN QUERY EXECUTE 'WITH hit AS MATERIALIZED (SELECT id' || live || condition
        || CASE WHEN owners IS NULL THEN '' ELSE ' AND owner_id = ANY ($3)' END
        || ') SELECT id FROM hit ORDER BY id DESC LIMIT $4'
        USING {tenant}, reached, owners, page;
END
"""


def upgrade() -> None:
    """Create one function a resource."""
    for table in ("contact", "company"):
        body = _BODY.replace("{table}", table).replace("{tenant}", TENANT)
        definer_function(
            op,
            f"search_{table}_ids",
            "terms jsonb, owners uuid[], after uuid, page integer",
            "SETOF uuid",
            body.replace("{walk}", str(WALK)).replace("{common}", str(COMMON)),
            reads={table: ("tenant_id", "id", "owner_id", "deleted_at", "tokens")},
            # The two settings end with the function: it turns them off on its way to the index of tokens.
            attributes="STABLE ROWS 50 SET enable_indexscan = on SET enable_seqscan = on SET jit = off",
        )
