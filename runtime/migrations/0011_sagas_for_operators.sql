-- A firing is named by the step that set the timer, not by when it is due: after a clock was set back, the same
-- moment comes twice. Rows of earlier versions keep their due time as their name.
ALTER TABLE saga_timers ADD COLUMN set_by text COLLATE "C";
ALTER TABLE saga_timers ADD COLUMN correlation_id text COLLATE "C";
CREATE INDEX saga_commands_of_stream ON saga_commands (stream_id);

-- What an operator looks at, and hastens, beside the saga that waits for it.
ALTER TABLE effects ADD COLUMN correlation_id text COLLATE "C";
CREATE INDEX effects_correlation ON effects (correlation_id);
