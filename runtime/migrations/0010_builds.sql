-- Builds of read models beside the live one: at most one being made, and one that was replaced and is kept for a while.
-- All events up to `reached` are folded in, and of later ones those that `applied` names ([[topic, partition,
-- position]]). `program` tells whether an interrupted build may be gone on with, `epoch` whether its events are still
-- the log's. `parked` is what the replaced build had put aside ([[stream, position, error]]), for its way back.
CREATE TABLE builds (
    consumer   text COLLATE "C" NOT NULL REFERENCES consumers (name) ON DELETE CASCADE,
    build      integer NOT NULL,
    version    integer NOT NULL,
    state      text    NOT NULL CHECK (state IN ('making', 'kept')),
    epoch      integer NOT NULL,
    program    text    NOT NULL,
    reached    bigint  NOT NULL DEFAULT 0,
    events     bigint  NOT NULL DEFAULT 0,
    applied    jsonb   NOT NULL DEFAULT '[]',
    parked     jsonb   NOT NULL DEFAULT '[]',
    kept_until timestamptz,
    PRIMARY KEY (consumer, build),
    UNIQUE (consumer, state)
) WITH (fillfactor = 50);
