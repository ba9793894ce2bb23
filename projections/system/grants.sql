-- Ids only: names join from `accounts`, so that an erasure changes nothing here that a rebuild would not.
CREATE TABLE {schema}.grants (
    -- the stream that grants, and alone can take it back
    through      text COLLATE "C",
    thing        text COLLATE "C",
    account_id   text COLLATE "C",
    -- both are empty in the row of a stream that is suspended
    right_to     text COLLATE "C",
    -- whose the thing is
    workspace_id text COLLATE "C",
    since        bigint,
    PRIMARY KEY (through, thing, account_id)
);
CREATE INDEX ON {schema}.grants (account_id, thing);
