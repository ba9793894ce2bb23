-- What sagas and effects still have to do. Rows are written in the transaction of the step or batch that wants
-- them, and deleted when done: a crash leaves them to the next worker.

CREATE TABLE saga_commands (
    command_id     text COLLATE "C" PRIMARY KEY,
    saga           text COLLATE "C" NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    name           text        NOT NULL,
    body           jsonb       NOT NULL,
    tenant         text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    causation_id   text COLLATE "C" NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts       integer     NOT NULL DEFAULT 0,
    error          text
);
CREATE INDEX saga_commands_due ON saga_commands (due_at);

CREATE TABLE saga_timers (
    stream_id text COLLATE "C" NOT NULL,
    token     text COLLATE "C" NOT NULL,
    saga      text COLLATE "C" NOT NULL,
    due_at    timestamptz NOT NULL,
    tenant    text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream_id, token)
);
CREATE INDEX saga_timers_due ON saga_timers (due_at);

-- Work on the outside world: the intent event's id is the idempotency key. `leases` counts who took it, `failures`
-- who came back with an error: a restart in between is not the work's failure.
CREATE TABLE effects (
    effect     text COLLATE "C" NOT NULL,
    event_id   text COLLATE "C" NOT NULL,
    position   bigint      NOT NULL,
    due_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    leases     integer     NOT NULL DEFAULT 0,
    failures   integer     NOT NULL DEFAULT 0,
    error      text,
    PRIMARY KEY (effect, event_id)
);
CREATE INDEX effects_due ON effects (effect, due_at);
