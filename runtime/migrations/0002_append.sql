-- The append: one round trip, the only or the last statement of its transaction.
--
-- Arrays a_* hold one element per append (a command's outcome), e_* one per event, c_* one per claim move;
-- e_append is a 1-based index into a_*, c_event one into e_*. The caller puts at most one append per stream, command
-- and claim key into a group, so appends cannot change each other's verdict.
--
-- Verdicts: ok · replayed (same command, same input: the first answer) · input-mismatch · version-conflict ·
-- foreign-stream (another workspace owns it) · claim-taken · claim-not-held. Losers never harm neighbours.
CREATE FUNCTION append_events(
    a_command text[], a_input bytea[],
    e_append integer[], e_event_id text[], e_stream text[], e_version bigint[], e_category text[], e_type text[],
    e_type_version integer[], e_effective_at timestamptz[], e_actor text[], e_tenant text[],
    e_correlation text[], e_causation text[], e_claims bytea[], e_data bytea[], e_leaf bytea[],
    c_event integer[], c_take boolean[], c_kind text[], c_scope text[], c_key text[], c_during tstzrange[]
) RETURNS TABLE (append integer, verdict text, stream text, version bigint, last_position bigint, detail jsonb)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    verdicts text[]  := array_fill(NULL::text, ARRAY[cardinality(a_command)]);
    details  jsonb[] := array_fill(NULL::jsonb, ARRAY[cardinality(a_command)]);
    streams  text[]  := array_fill(NULL::text, ARRAY[cardinality(a_command)]);
    versions bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(a_command)]);
    lasts    bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(a_command)]);
    positions bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(e_append)]);
    hashes    bytea[]  := array_fill(NULL::bytea, ARRAY[cardinality(e_append)]);
    at_position bigint;
    at_hash     bytea;
    at_time     timestamptz;
    at_micros   bigint;
    row_        record;
    i           integer;
BEGIN
    -- An advisory lock, not a head row: a row's version chain fell from 1,709 to 594 appends/s under one long
    -- snapshot, the lock stayed at 2,300. Held to the end of the transaction: commit order is position order.
    PERFORM pg_advisory_xact_lock(7521980, 1);

    -- In READ COMMITTED each statement below sees all that committed before the lock was ours.
    FOR row_ IN
        SELECT g.i, c.input_hash = a_input[g.i] AS same, c.stream_id, c.stream_version, c.position
        FROM unnest(a_command) WITH ORDINALITY AS g(command, i) JOIN commands c ON c.command_id = g.command
    LOOP
        verdicts[row_.i] := CASE WHEN row_.same THEN 'replayed' ELSE 'input-mismatch' END;
        streams[row_.i] := row_.stream_id;
        versions[row_.i] := row_.stream_version;
        lasts[row_.i] := row_.position;
    END LOOP;

    FOR row_ IN
        SELECT w.append, w.stream, w.first, coalesce(h.stream_version, 0) AS current,
               h.tenant IS DISTINCT FROM w.tenant AND h.tenant IS NOT NULL AS is_foreign
        FROM (SELECT n.append, n.stream, min(n.version) AS first, min(n.tenant) AS tenant
              FROM unnest(e_append, e_stream, e_version, e_tenant) AS n(append, stream, version, tenant)
              GROUP BY n.append, n.stream) w
        LEFT JOIN LATERAL (SELECT e.stream_version, e.tenant FROM events e WHERE e.stream_id = w.stream
                           ORDER BY e.stream_version DESC LIMIT 1) h ON true
        WHERE coalesce(h.stream_version, 0) <> w.first - 1
           OR (h.tenant IS DISTINCT FROM w.tenant AND h.tenant IS NOT NULL)
    LOOP
        CONTINUE WHEN verdicts[row_.append] IS NOT NULL;
        verdicts[row_.append] := CASE WHEN row_.is_foreign THEN 'foreign-stream' ELSE 'version-conflict' END;
        streams[row_.append] := row_.stream;
        versions[row_.append] := row_.current;
        details[row_.append] := jsonb_build_object('expected', row_.first - 1, 'current', row_.current);
    END LOOP;

    IF cardinality(c_event) > 0 THEN
        FOR row_ IN
            SELECT e_append[m.event] AS append, m.kind, m.key
            FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
                 AS m(event, take, kind, scope, key, during)
            WHERE NOT m.take AND NOT EXISTS (
                SELECT FROM claims c WHERE c.kind = m.kind AND c.scope = m.scope AND c.key = m.key
                   AND c.during IS NOT DISTINCT FROM m.during AND c.stream_id = e_stream[m.event])
        LOOP
            CONTINUE WHEN verdicts[row_.append] IS NOT NULL;
            verdicts[row_.append] := 'claim-not-held';
            details[row_.append] := jsonb_build_object('kind', row_.kind, 'key', row_.key);
        END LOOP;
        FOR row_ IN
            SELECT e_append[m.event] AS append, m.kind, m.key, c.stream_id AS holder, upper(c.during) AS until
            FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
                 AS m(event, take, kind, scope, key, during)
            JOIN claims c ON c.kind = m.kind AND c.scope = m.scope AND c.key = m.key
                 AND (c.during IS NULL OR m.during IS NULL OR c.during && m.during)
            WHERE m.take AND NOT EXISTS (
                SELECT FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
                     AS r(event, take, kind, scope, key, during)
                WHERE NOT r.take AND e_append[r.event] = e_append[m.event] AND r.kind = c.kind
                  AND r.scope = c.scope AND r.key = c.key AND r.during IS NOT DISTINCT FROM c.during
                  AND e_stream[r.event] = c.stream_id)
        LOOP
            CONTINUE WHEN verdicts[row_.append] IS NOT NULL;
            verdicts[row_.append] := 'claim-taken';
            details[row_.append] := jsonb_build_object(
                'kind', row_.kind, 'key', row_.key, 'holder', row_.holder, 'until', row_.until);
        END LOOP;
    END IF;

    SELECT e.position, e.hash, e.recorded_at INTO at_position, at_hash, at_time
    FROM events e ORDER BY e.position DESC LIMIT 1;
    IF at_position IS NULL THEN
        at_position := 0;
        SELECT sha256(convert_to(l.log_id, 'UTF8')) INTO STRICT at_hash FROM log_identity l;
    END IF;
    -- Never going back, even when the machine's clock does.
    at_time := greatest(clock_timestamp(), at_time);
    at_micros := (extract(epoch FROM at_time) * 1000000)::bigint;

    FOR i IN 1 .. cardinality(e_append) LOOP
        CONTINUE WHEN verdicts[e_append[i]] IS NOT NULL;
        at_position := at_position + 1;
        at_hash := sha256(at_hash || int8send(at_position) || int8send(at_micros) || e_leaf[i]);
        positions[i] := at_position;
        hashes[i] := at_hash;
        lasts[e_append[i]] := at_position;
        -- The answer of an append is its first event's stream, at the last version it reached.
        IF streams[e_append[i]] IS NULL THEN streams[e_append[i]] := e_stream[i]; END IF;
        IF streams[e_append[i]] = e_stream[i] THEN versions[e_append[i]] := e_version[i]; END IF;
    END LOOP;

    INSERT INTO events
    SELECT n.position, n.event_id, n.stream, n.version, n.category, n.type, n.type_version, at_time, n.effective_at,
           n.actor, n.tenant, n.correlation, n.causation, a_command[n.append], a_input[n.append],
           n.claims, n.data, n.leaf, n.hash
    FROM unnest(e_append, e_event_id, e_stream, e_version, e_category, e_type, e_type_version, e_effective_at,
                e_actor, e_tenant, e_correlation, e_causation, e_claims, e_data, e_leaf, positions, hashes)
         AS n(append, event_id, stream, version, category, type, type_version, effective_at,
              actor, tenant, correlation, causation, claims, data, leaf, position, hash)
    WHERE n.position IS NOT NULL;

    IF cardinality(c_event) > 0 THEN
        DELETE FROM claims c
        USING unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
              AS m(event, take, kind, scope, key, during)
        WHERE NOT m.take AND positions[m.event] IS NOT NULL AND c.kind = m.kind AND c.scope = m.scope
          AND c.key = m.key AND c.during IS NOT DISTINCT FROM m.during AND c.stream_id = e_stream[m.event];
        INSERT INTO claims (kind, scope, key, during, stream_id, position)
        SELECT m.kind, m.scope, m.key, m.during, e_stream[m.event], positions[m.event]
        FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
             AS m(event, take, kind, scope, key, during)
        WHERE m.take AND positions[m.event] IS NOT NULL;
    END IF;

    INSERT INTO commands (command_id, input_hash, stream_id, stream_version, position)
    SELECT a_command[g], a_input[g], streams[g], versions[g], lasts[g]
    FROM generate_subscripts(a_command, 1) AS g
    WHERE verdicts[g] IS NULL;

    RETURN QUERY
    SELECT g, coalesce(verdicts[g], 'ok'), streams[g], versions[g], lasts[g], details[g]
    FROM generate_subscripts(a_command, 1) AS g;
END $$;
