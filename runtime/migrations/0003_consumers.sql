-- How far the log has come: into Kafka (relay), into each consumer (checkpoints), and what was put aside on the way.

-- What each consumer is. `live_build` is the build whose checkpoints move and, for a projection, whose schema
-- readers see. `stopped` says why a consumer waits for somebody; null while it works.
CREATE TABLE consumers (
    name        text COLLATE "C" PRIMARY KEY,
    kind        text    NOT NULL CHECK (kind IN ('projection', 'saga', 'processor')),
    version     integer NOT NULL,
    live_build  integer NOT NULL DEFAULT 1,
    last_build  integer NOT NULL DEFAULT 1,
    categories  text[]  COLLATE "C" NOT NULL,
    money       boolean NOT NULL DEFAULT false,
    stopped     text
);

-- One row per partition, moved by compare-and-swap in the transaction of the batch. `"offset"` is that of the last
-- record applied. Topic 'store', partition 0, counts for all partitions: it is how the log is read without a broker.
CREATE TABLE checkpoints (
    consumer  text    COLLATE "C" NOT NULL REFERENCES consumers (name) ON DELETE CASCADE,
    build     integer NOT NULL,
    topic     text    COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    position  bigint  NOT NULL DEFAULT 0,
    "offset"  bigint,
    topic_id  text,
    PRIMARY KEY (consumer, build, topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The last position that the relay has committed to each partition, and to all of them.
CREATE TABLE relay_heads (
    topic         text    COLLATE "C" NOT NULL,
    partition     integer NOT NULL,
    last_position bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE relay_progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO relay_progress DEFAULT VALUES;

-- A stream that a consumer could not digest: its later events wait in `dead_letters` too, in order.
CREATE TABLE parked_streams (
    consumer  text COLLATE "C" NOT NULL REFERENCES consumers (name) ON DELETE CASCADE,
    stream_id text COLLATE "C" NOT NULL,
    position  bigint      NOT NULL,
    error     text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, stream_id)
);

-- References only: the event itself stays in the log. The letter that broke has the error, the ones behind it null.
CREATE TABLE dead_letters (
    consumer    text COLLATE "C" NOT NULL REFERENCES consumers (name) ON DELETE CASCADE,
    position    bigint      NOT NULL,
    event_id    text        NOT NULL,
    stream_id   text COLLATE "C" NOT NULL,
    type        text        NOT NULL,
    error       text,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    state       text        NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'replayed')),
    replayed_at timestamptz,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX dead_letters_parked ON dead_letters (consumer, stream_id, position) WHERE state = 'parked';
