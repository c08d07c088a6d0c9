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
# words, and it costs half a microsecond a row or more, for a row's tokens are sorted and width_bucket halves its way
# to one. The index of tokens finds every hit, then sorts: right for rare ones, at a few microseconds a hit.
# How common a word is, no statistics tell: tokens go together (株式, 式会, 会社), and there are far more of them
# than a column's list of common elements holds. So the newest rows are asked. FIRST without a single hit: the word is
# rare, the index finds it. Else GLANCE rows. They fill the page of a word that is common; where they hold so many
# hits that WALK rows should fill it, the walk goes on for half as long again as that takes; and what it does not find
# either, such as a word whose hits are all old, the index finds below the row that the walk reached.
#
# WALK is where both ways cost the same in a million rows: a word that WALK rows hold 51 times has 3,200 hits.
# An owner's rows lie scattered over the table, each on a page of its own: for some owners the walk is WALK_OWNED.
FIRST = 400
GLANCE = 2_000
WALK = 16_000
WALK_OWNED = 6_000
_BUDGETS = {"first": FIRST, "glance": GLANCE, "walk": WALK, "walk_owned": WALK_OWNED}

_BODY = """
DECLARE
    walk_condition text := '';
    index_condition text := '';
    walk_words text[] := '{}';
    index_words text[] := '{}';
    is_common boolean[] := '{}';
    word jsonb;
    alternative jsonb;
    wanted bigint[];
    walk_either text;
    index_either text;
    hits uuid[];
    reached uuid := after;
    further integer := CASE WHEN owners IS NULL THEN {walk} ELSE {walk_owned} END;
    budget integer := {first};
    walked integer := 0;
    found integer := 0;
    live text := 'tenant_id = $1 AND deleted_at IS NULL AND id < $2';
BEGIN
    FOR word IN SELECT value FROM jsonb_array_elements(terms) LOOP
        walk_either := NULL;
        index_either := NULL;
        FOR alternative IN SELECT value FROM jsonb_array_elements(word) LOOP
            SELECT array_agg(token::bigint) INTO wanted FROM jsonb_array_elements_text(alternative) AS token;
            CONTINUE WHEN wanted IS NULL;
            walk_either := concat_ws(' OR ', walk_either, '(' || (
                SELECT string_agg(format('tokens[width_bucket(%1$L::bigint, tokens)] = %1$L::bigint', token), ' AND ')
                FROM unnest(wanted) AS token) || ')');
            index_either := concat_ws(' OR ', index_either, format('tokens @> %L::bigint[]', wanted));
        END LOOP;
        CONTINUE WHEN index_either IS NULL;
        walk_words := walk_words || walk_either;
        index_words := index_words || index_either;
    END LOOP;
    IF index_words = '{}' OR cardinality(owners) = 0 THEN
        RETURN;
    END IF;
    walk_condition := ' AND (' || array_to_string(walk_words, ') AND (') || ')';

    IF cardinality(owners) = 1 THEN
        live := live || format(' AND owner_id = %L', owners[1]);
        owners := NULL;
    END IF;

    LOOP
        IF owners IS NULL THEN
            EXECUTE 'SELECT array(SELECT id FROM (SELECT id, tokens FROM {table} WHERE ' || live
                || ' ORDER BY id DESC LIMIT $3) AS walked WHERE true' || walk_condition || ' LIMIT $4)'
                INTO hits USING {tenant}, reached, budget, page;
            IF cardinality(hits) < page THEN
                EXECUTE 'SELECT id FROM {table} WHERE ' || live || ' ORDER BY id DESC OFFSET $3 - 1 LIMIT 1'
                    INTO reached USING {tenant}, reached, budget;
            END IF;
        ELSE
            -- Each owner's newest; below the oldest row of an owner who has more, nothing is known yet.
            EXECUTE 'WITH walked AS MATERIALIZED (
                    SELECT o.owner_id, x.id, true' || walk_condition || ' AS fits FROM unnest($3) AS o(owner_id)
                    CROSS JOIN LATERAL (SELECT id, tokens FROM {table} WHERE ' || live
                || ' AND {table}.owner_id = o.owner_id ORDER BY id DESC LIMIT $4) AS x),
                ends AS (SELECT (array_agg(id ORDER BY id))[1] AS last FROM walked
                    GROUP BY owner_id HAVING count(*) = $4),
                reached AS (SELECT last FROM ends ORDER BY last DESC LIMIT 1)
                SELECT array(SELECT id FROM walked WHERE fits AND id >= coalesce((SELECT last FROM reached), id)
                    ORDER BY id DESC LIMIT $5), (SELECT last FROM reached)'
                INTO hits, reached
                USING {tenant}, reached, owners, greatest(budget / cardinality(owners), 100), page;
        END IF;
        RETURN QUERY SELECT unnest(hits);
        page := page - cardinality(hits);
        IF page = 0 OR reached IS NULL THEN
            RETURN;
        END IF;
        walked := walked + budget;
        found := found + cardinality(hits);
        EXIT WHEN found = 0 OR walked >= further;
        IF walked < {glance} THEN
            budget := {glance} - walked;
        ELSE
            -- As many rows as should hold what is missing, and half as many again.
            budget := greatest({first}, walked * page / found * 3 / 2);
            EXIT WHEN budget > (further - walked) * 3 / 2;
            budget := least(budget, further - walked);
        END IF;
    END LOOP;

    -- Of several words the common ones are held against the rows that the index finds for the others.
    IF cardinality(index_words) > 1 THEN
        EXECUTE 'SELECT array[count(*) FILTER (WHERE ' || array_to_string(walk_words, ') > $3, count(*) FILTER (WHERE ')
            || ') > $3] FROM (SELECT tokens FROM {table} WHERE ' || live || ' ORDER BY id DESC LIMIT $4) AS glanced'
            INTO is_common USING {tenant}, after, {glance} / 10, {glance};
    END IF;
    FOR number IN 1 .. cardinality(index_words) LOOP
        index_condition := index_condition || ' AND (' || CASE
            WHEN is_common[number] AND NOT true = ALL (is_common) THEN walk_words[number]
            ELSE index_words[number] END || ')';
    END LOOP;

    -- IS TRUE leaves no other index to take. What statistics hold of a tenant that has just imported its ledger is
    -- nothing, so its newest rows would look like a short way; and the rows of one who owns a fifth of everything take
    -- longer to list than a few thousand hits to look at.
    PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true);
    RETURN QUERY EXECUTE 'WITH hit AS MATERIALIZED (SELECT id FROM {table} WHERE (' || live
        || CASE WHEN owners IS NULL THEN '' ELSE ' AND owner_id = ANY ($3)' END
        || ') IS TRUE' || index_condition || ') SELECT id FROM hit ORDER BY id DESC LIMIT $4'
        USING {tenant}, reached, owners, page;
END
"""


def upgrade() -> None:
    """Create one function a resource."""
    for table in ("contact", "company"):
        body = _BODY
        for name, value in {"table": table, "tenant": TENANT, **_BUDGETS}.items():
            body = body.replace(f"{{{name}}}", str(value))
        definer_function(
            op,
            f"search_{table}_ids",
            "terms jsonb, owners uuid[], after uuid, page integer",
            "SETOF uuid",
            body,
            reads={table: ("tenant_id", "id", "owner_id", "deleted_at", "tokens")},
            # The two settings end with the function: it turns them off on its way to the index of tokens.
            # With work_mem the hits of a common word are remembered row by row, not page by page.
            attributes="STABLE ROWS 50 SET enable_indexscan = on SET enable_seqscan = on SET jit = off "
            "SET work_mem = '32MB'",
        )
