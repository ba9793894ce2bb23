-- Whole envelopes (CONTRACT §3), personal fields as stored: encrypted. `data` is the JSON text that was hashed;
-- jsonb would lose its bytes and refuse an escaped NUL.
CREATE TABLE {schema}.timeline (
    position       bigint PRIMARY KEY,
    asset_id       text COLLATE "C",
    event_id       text COLLATE "C" NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    category       text COLLATE "C" NOT NULL,
    type           text COLLATE "C" NOT NULL,
    version        integer NOT NULL,
    recorded_at    timestamptz NOT NULL,
    effective_at   timestamptz NOT NULL,
    actor          text COLLATE "C",
    tenant         text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    causation_id   text COLLATE "C",
    command_id     text COLLATE "C" NOT NULL,
    hash           text COLLATE "C" NOT NULL,
    data           text COLLATE "C" NOT NULL
);
CREATE INDEX ON {schema}.timeline (asset_id, position) WHERE asset_id IS NOT NULL;
CREATE INDEX ON {schema}.timeline (tenant, position);
