-- One row per instance. What it still waits for is live in saga_commands, saga_timers and effects; here is how it
-- stands. No personal data: neither the memory nor the bodies of commands.
CREATE TABLE {schema}.sagas (
    saga_id        text COLLATE "C" PRIMARY KEY,
    saga           text COLLATE "C",
    tenant         text COLLATE "C",
    correlation_id text COLLATE "C",
    version        bigint,
    state          text COLLATE "C",
    outcome        text COLLATE "C",
    ended          boolean,
    started_at     timestamptz,
    stepped_at     timestamptz,
    input_kind     text COLLATE "C",
    input_name     text COLLATE "C",
    waits_for      jsonb
);
CREATE INDEX ON {schema}.sagas (stepped_at, saga_id);
CREATE INDEX ON {schema}.sagas (stepped_at, saga_id) WHERE NOT ended;
