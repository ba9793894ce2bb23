-- Once an erasure was asked for, its owner says no more. Which commands are under way no process can know of the
-- others; in the log's order it is plain: what the account appends behind its own claim `account-erasure` is refused.
--
-- A trigger of the statement, so that a group of appends costs one look: the claim of the same append is not there
-- yet when it fires. What the erasure itself appends has no actor.
CREATE FUNCTION refuse_closed_workspaces() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT tenant, actor FROM added WHERE actor IS NOT NULL) a
        -- With all columns of the index `claims_for_ever`: without them each append read every claim.
        JOIN public.claims c ON c.kind = 'account-erasure' AND c.scope = a.tenant AND c.key = a.actor
                            AND c.during IS NULL
    ) THEN
        RAISE EXCEPTION 'the account is being erased' USING ERRCODE = 'NC410';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_closed_workspaces AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_workspaces();

-- Errors of earlier versions quote what they met: rows, names, addresses. Their first word is the class.
UPDATE dead_letters SET error = split_part(error, ':', 1) WHERE error IS NOT NULL;
UPDATE parked_streams SET error = split_part(error, ':', 1);
UPDATE effects SET error = split_part(error, '(', 1) WHERE error IS NOT NULL;
UPDATE saga_commands SET error = 'told by an earlier version' WHERE error IS NOT NULL;
UPDATE consumers SET stopped = split_part(stopped, ' (', 1) WHERE stopped IS NOT NULL;
UPDATE builds SET parked = (
    SELECT coalesce(jsonb_agg(jsonb_set(each, '{2}', to_jsonb(split_part(each ->> 2, ':', 1)))), '[]')
    FROM jsonb_array_elements(parked) AS each
) WHERE parked <> '[]';
