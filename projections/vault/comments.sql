-- What a comment says stays encrypted here, as the log has it: without its author's key nobody reads it.
CREATE TABLE {schema}.comments (
    comment_id   text COLLATE "C" PRIMARY KEY,
    asset_id     text COLLATE "C",
    workspace_id text COLLATE "C",
    author_id    text COLLATE "C",
    version      bigint,
    at_s         double precision,
    end_s        double precision,
    -- the event that said it last, and its data as stored
    said_event   text COLLATE "C",
    said         text COLLATE "C",
    added_at     timestamptz,
    edited_at    timestamptz,
    resolved_at  timestamptz,
    resolved_by  text COLLATE "C"
);
CREATE INDEX ON {schema}.comments (asset_id, at_s, comment_id);
