-- Once an erasure was asked for, its owner says no more. Which commands are under way no process can know of the
-- others; in the log's order it is plain: what the account appends behind its own claim `account-erasure` is refused.
--
-- A trigger of the statement, so that a group of appends costs one look: the claim of the same append is not there
-- yet when it fires. What the erasure itself appends has no actor.
CREATE FUNCTION refuse_closed_workspaces() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added a JOIN public.claims c ON c.scope = a.tenant AND c.kind = 'account-erasure'
        WHERE a.actor = c.key
    ) THEN
        RAISE EXCEPTION 'the account is being erased' USING ERRCODE = 'NC410';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_closed_workspaces AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_workspaces();
