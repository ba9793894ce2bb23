-- The append again, several times faster: the same verdicts, the same bytes, the same hashes (docs/adr/0001).
--
-- Arrays a_* hold one element per append (a command's outcome), e_* one per event, c_* one per claim move; e_append
-- is a 1-based index into a_*, c_event one into e_*. a_stream and a_version are what an append answers: its first
-- event's stream and the last version of it. e_first marks an append's first event of each stream. The caller puts at
-- most one append per stream, command and claim key into a group, so appends cannot change each other's verdict.
--
-- Answers one row (0, 'after', last position before this group), then a row for each append that was not written:
-- replayed (same command, same input: the first answer) · input-mismatch · version-conflict · foreign-stream (another
-- workspace owns it) · claim-taken · claim-not-held. The others are written, at consecutive positions in their order.
DROP FUNCTION append_events;

CREATE FUNCTION append_events(
    a_command text[], a_input bytea[], a_actor text[], a_tenant text[], a_correlation text[], a_causation text[],
    a_stream text[], a_version bigint[],
    e_append integer[], e_first boolean[], e_event_id text[], e_stream text[], e_version bigint[], e_category text[],
    e_type text[], e_type_version bigint[], e_effective_at timestamptz[], e_claims bytea[], e_data bytea[],
    e_leaf bytea[],
    c_event integer[], c_take boolean[], c_kind text[], c_scope text[], c_key text[], c_during tstzrange[]
) RETURNS TABLE (append integer, verdict text, stream text, version bigint, last_position bigint, detail jsonb)
LANGUAGE plpgsql VOLATILE
-- Plans are kept for the session and must not depend on how many rows there were when it began: always by index.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    refused   boolean[] := array_fill(false, ARRAY[cardinality(a_command)]);
    lasts     bigint[]  := array_fill(NULL::bigint, ARRAY[cardinality(a_command)]);
    positions bigint[]  := array_fill(NULL::bigint, ARRAY[cardinality(e_append)]);
    hashes    bytea[]   := array_fill(NULL::bytea, ARRAY[cardinality(e_append)]);
    at_position bigint;
    at_hash     bytea;
    at_time     timestamptz;
    at_micros   bytea;
    row_        record;
    i           integer;
BEGIN
    -- An advisory lock, not a head row: a row's version chain fell from 1,709 to 594 appends/s under one long
    -- snapshot, the lock stayed at 2,300. Held to the end of the transaction: commit order is position order.
    PERFORM pg_advisory_xact_lock(7521980, 1);

    -- In READ COMMITTED each statement below sees all that committed before the lock was ours.
    FOR row_ IN
        SELECT g.i, c.input_hash = a_input[g.i] AS same, c.stream_id, c.stream_version, c.position
        FROM generate_subscripts(a_command, 1) AS g(i) JOIN commands c ON c.command_id = a_command[g.i]
    LOOP
        refused[row_.i] := true;
        append := row_.i;
        verdict := CASE WHEN row_.same THEN 'replayed' ELSE 'input-mismatch' END;
        stream := row_.stream_id;
        version := row_.stream_version;
        last_position := row_.position;
        detail := NULL;
        RETURN NEXT;
    END LOOP;

    FOR row_ IN
        SELECT e_append[g.i] AS append, e_stream[g.i] AS stream, e_version[g.i] - 1 AS expected,
               coalesce(h.stream_version, 0) AS current, h.tenant <> a_tenant[e_append[g.i]] AS is_foreign
        FROM generate_subscripts(e_append, 1) AS g(i)
        LEFT JOIN LATERAL (SELECT e.stream_version, e.tenant FROM events e WHERE e.stream_id = e_stream[g.i]
                           ORDER BY e.stream_version DESC LIMIT 1) h ON true
        WHERE e_first[g.i] AND (coalesce(h.stream_version, 0) <> e_version[g.i] - 1
                                OR h.tenant <> a_tenant[e_append[g.i]])
    LOOP
        CONTINUE WHEN refused[row_.append];
        refused[row_.append] := true;
        append := row_.append;
        verdict := CASE WHEN row_.is_foreign THEN 'foreign-stream' ELSE 'version-conflict' END;
        stream := row_.stream;
        version := row_.current;
        last_position := NULL;
        detail := jsonb_build_object('expected', row_.expected, 'current', row_.current);
        RETURN NEXT;
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
            CONTINUE WHEN refused[row_.append];
            refused[row_.append] := true;
            append := row_.append;
            verdict := 'claim-not-held';
            stream := NULL;
            version := NULL;
            last_position := NULL;
            detail := jsonb_build_object('kind', row_.kind, 'key', row_.key);
            RETURN NEXT;
        END LOOP;
        FOR row_ IN
            SELECT e_append[m.event] AS append, m.kind, m.key, c.stream_id AS holder, upper(c.during) AS until
            FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
                 AS m(event, take, kind, scope, key, during)
            -- One branch for each index; with OR between them every claim that there is would be read.
            CROSS JOIN LATERAL (
                SELECT f.* FROM claims f
                WHERE f.kind = m.kind AND f.scope = m.scope AND f.key = m.key AND f.during IS NULL
                UNION ALL
                SELECT f.* FROM claims f
                WHERE f.kind = m.kind AND f.scope = m.scope AND f.key = m.key AND f.during IS NOT NULL
                  AND m.during IS NULL
                UNION ALL
                SELECT f.* FROM claims f
                WHERE f.kind = m.kind AND f.scope = m.scope AND f.key = m.key AND f.during IS NOT NULL
                  AND f.during && m.during
            ) c
            WHERE m.take AND NOT EXISTS (
                SELECT FROM unnest(c_event, c_take, c_kind, c_scope, c_key, c_during)
                     AS r(event, take, kind, scope, key, during)
                -- Not by a later event: the claims are a fold of the events in their order.
                WHERE NOT r.take AND r.event <= m.event AND e_append[r.event] = e_append[m.event] AND r.kind = c.kind
                  AND r.scope = c.scope AND r.key = c.key AND r.during IS NOT DISTINCT FROM c.during
                  AND e_stream[r.event] = c.stream_id)
        LOOP
            CONTINUE WHEN refused[row_.append];
            refused[row_.append] := true;
            append := row_.append;
            verdict := 'claim-taken';
            stream := NULL;
            version := NULL;
            last_position := NULL;
            detail := jsonb_build_object(
                'kind', row_.kind, 'key', row_.key, 'holder', row_.holder, 'until', row_.until);
            RETURN NEXT;
        END LOOP;
    END IF;

    SELECT e.position, e.hash, e.recorded_at INTO at_position, at_hash, at_time
    FROM events e ORDER BY e.position DESC LIMIT 1;
    IF at_position IS NULL THEN
        at_position := 0;
        SELECT sha256(convert_to(l.log_id, 'UTF8')) INTO STRICT at_hash FROM log_identity l;
    END IF;
    append := 0;
    verdict := 'after';
    stream := NULL;
    version := NULL;
    last_position := at_position;
    detail := NULL;
    RETURN NEXT;
    -- Never going back, even when the machine's clock does.
    at_time := greatest(clock_timestamp(), at_time);
    at_micros := int8send((extract(epoch FROM at_time) * 1000000)::bigint);

    FOR i IN 1 .. cardinality(e_append) LOOP
        CONTINUE WHEN refused[e_append[i]];
        at_position := at_position + 1;
        at_hash := sha256(at_hash || int8send(at_position) || at_micros || e_leaf[i]);
        positions[i] := at_position;
        hashes[i] := at_hash;
        lasts[e_append[i]] := at_position;
    END LOOP;

    -- Subscripts of arrays in memory: unnest() of 17 arrays made 17 tables first.
    INSERT INTO events
    SELECT positions[i], e_event_id[i], e_stream[i], e_version[i], e_category[i], e_type[i], e_type_version[i],
           at_time, e_effective_at[i], a_actor[e_append[i]], a_tenant[e_append[i]], a_correlation[e_append[i]],
           a_causation[e_append[i]], a_command[e_append[i]], a_input[e_append[i]], e_claims[i], e_data[i],
           e_leaf[i], hashes[i]
    FROM generate_subscripts(e_append, 1) AS g(i)
    WHERE positions[i] IS NOT NULL;

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
    SELECT a_command[i], a_input[i], a_stream[i], a_version[i], lasts[i]
    FROM generate_subscripts(a_command, 1) AS g(i)
    WHERE lasts[i] IS NOT NULL;
END $$;
