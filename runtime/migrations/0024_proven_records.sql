-- The relay puts a MAC on every record. Up to here a version without them has published; null: no relay that makes
-- them has begun yet, and the first one writes down how far its topics go.
ALTER TABLE relay_progress ADD COLUMN unproven_up_to bigint;

-- What readers found on the topics that is no record of the relay's, and left aside: counted by partition, so that
-- whoever can write to the topics cannot fill the database.
CREATE TABLE records_aside (
    topic       text        COLLATE "C" NOT NULL,
    partition   integer     NOT NULL,
    topic_id    text        NOT NULL,
    last_offset bigint      NOT NULL,
    records     bigint      NOT NULL,
    reason      text        NOT NULL,
    first_at    timestamptz NOT NULL DEFAULT now(),
    last_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);
