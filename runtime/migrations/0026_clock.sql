-- By how much the domain's clock runs before the machine's, in test mode only (docs/adr/0031): the newest row whose
-- `counts_from` has come. It lies far enough ahead of its commit that by then every process has read the row, so that
-- all see the move at the same moment. One advance is one row or several, from what is due to what is due next;
-- `command_id` and `asked_us` let one that was cut short be gone on with.
CREATE TABLE clock_advances (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command_id  text COLLATE "C" NOT NULL,
    asked_us    bigint      NOT NULL CHECK (asked_us > 0),
    moved_us    bigint      NOT NULL CHECK (moved_us > 0),
    total_us    bigint      NOT NULL CHECK (total_us >= moved_us),
    counts_from timestamptz NOT NULL
);
CREATE INDEX clock_advances_command ON clock_advances (command_id);
