-- What the relay published last into a partition: the first position of that batch, and where the
-- partition ended before it. Who has read to that end lacks nothing below that first position.
-- Null: not known, as after the relay began anew.
ALTER TABLE relay_heads ADD COLUMN earlier_position bigint, ADD COLUMN next_position bigint;
