CREATE TABLE {schema}.attempts (
    analysis_id  text COLLATE "C" PRIMARY KEY,
    asset_id     text COLLATE "C",
    workspace_id text COLLATE "C",
    attempt      integer,
    code         text,
    reason       text,
    failed_at    timestamptz
);
CREATE INDEX ON {schema}.attempts (workspace_id, failed_at);
