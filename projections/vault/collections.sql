-- Names and questions stay encrypted here, as the log has them: without the key of who said them nobody reads them.
CREATE TABLE {schema}.collections (
    collection_id text COLLATE "C" PRIMARY KEY,
    workspace_id  text COLLATE "C",
    version       bigint,
    kind          text,
    assets        jsonb,
    -- one of them
    cover         text COLLATE "C",
    -- the event that said name and query last, and its data as stored
    said_event    text COLLATE "C",
    said          text COLLATE "C",
    created_at    timestamptz,
    changed_at    timestamptz
);
CREATE INDEX ON {schema}.collections (workspace_id, collection_id);
