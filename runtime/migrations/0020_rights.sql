-- The log is written by this function alone: it runs with the rights of its owner, and whoever calls it needs none on
-- the tables. So it must find no table, function or operator that the caller made: pg_temp comes last, and nobody but
-- the owner may make anything in public.
ALTER FUNCTION append_events SECURITY DEFINER;
ALTER FUNCTION append_events SET search_path = pg_catalog, public, pg_temp;

-- Makes the schema of one build of a read model, or the one that readers use, for whoever asks: the right to make any
-- schema would also be one to shadow the names of others, and to make extensions.
CREATE FUNCTION make_view_schema(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF name = 'views' THEN
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS views AUTHORIZATION %I', session_user);
    ELSIF name ~ '^view_[a-z][a-z0-9_]*_[0-9]+_[0-9]+$' THEN
        EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', name, session_user);
    ELSE
        RAISE insufficient_privilege USING MESSAGE = format('%s is no name of a read model''s schema', name);
    END IF;
END $$;
