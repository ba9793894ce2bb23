-- What makes the log provable from outside: signed checkpoints, and the Merkle tree's stored nodes.

-- Each says: the log had `size` events, this tree root and this last hash. Also in a topic and a file, see ADR 0010.
CREATE TABLE log_checkpoints (
    epoch       integer     NOT NULL,
    size        bigint      NOT NULL CHECK (size > 0),
    log_id      text        COLLATE "C" NOT NULL,
    root        bytea       NOT NULL,
    hash        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    key_id      text        COLLATE "C" NOT NULL,
    signature   bytea       NOT NULL,
    signed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (epoch, size)
);

-- Roots of complete subtrees of 1,024 leaves (level 10), 1,024 of those (level 20) and so on: a proof reads at most
-- 1,024 rows a level. A cache: the next checkpoint makes what is missing at its end again from the events.
CREATE TABLE log_tree (
    level smallint NOT NULL CHECK (level > 0 AND level % 10 = 0),
    index bigint   NOT NULL,
    root  bytea    NOT NULL,
    PRIMARY KEY (level, index)
);
