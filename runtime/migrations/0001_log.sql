-- The log: one unpartitioned table in total order, with what must hold beside it in the same transaction.

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- One row: which log this is. The epoch rises when the log was restored behind its readers.
CREATE TABLE log_identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    log_id   text NOT NULL,
    epoch    integer NOT NULL DEFAULT 1
);
INSERT INTO log_identity (log_id) VALUES ('log_' || replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE events (
    position       bigint      NOT NULL PRIMARY KEY,
    event_id       text        COLLATE "C" NOT NULL,
    stream_id      text        COLLATE "C" NOT NULL,
    stream_version bigint      NOT NULL,
    category       text        COLLATE "C" NOT NULL,
    type           text        COLLATE "C" NOT NULL,
    version        integer     NOT NULL,
    recorded_at    timestamptz NOT NULL,
    effective_at   timestamptz NOT NULL,
    actor          text        COLLATE "C",
    tenant         text        COLLATE "C" NOT NULL,
    correlation_id text        COLLATE "C" NOT NULL,
    causation_id   text        COLLATE "C",
    command_id     text        COLLATE "C" NOT NULL,
    input_hash     bytea       NOT NULL,
    claims         bytea,
    data           bytea       NOT NULL,
    leaf           bytea       NOT NULL,
    hash           bytea       NOT NULL,
    UNIQUE (stream_id, stream_version)
);
-- Rebuilds of a view that wants one category in a hundred must not read the other ninety-nine.
CREATE INDEX events_by_category ON events (category, position);
-- Insert-only: freeze early and cheaply, analyse rarely.
ALTER TABLE events SET (autovacuum_vacuum_insert_scale_factor = 0.1, fillfactor = 100);

-- Committed commands only; a rejected one may be sent again.
CREATE TABLE commands (
    command_id     text COLLATE "C" PRIMARY KEY,
    input_hash     bytea  NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    position       bigint NOT NULL
);

-- A fold of the claims in the events, kept in the same transaction. scope is '' or a workspace.
CREATE TABLE claims (
    kind      text COLLATE "C" NOT NULL,
    scope     text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    during    tstzrange,
    stream_id text COLLATE "C" NOT NULL,
    position  bigint NOT NULL,
    EXCLUDE USING gist (kind WITH =, scope WITH =, key WITH =, during WITH &&)
        WHERE (during IS NOT NULL)
);
CREATE UNIQUE INDEX claims_for_ever ON claims (kind, scope, key) WHERE during IS NULL;
CREATE INDEX claims_of_stream ON claims (stream_id);

-- Personal data: each subject's own key, wrapped by the installation's master key.
CREATE TABLE subject_keys (
    subject     text COLLATE "C" PRIMARY KEY,
    wrapped_key bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
