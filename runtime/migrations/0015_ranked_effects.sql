-- Who waits for an answer goes before the measuring again of a whole vault: the lowest rank first.
ALTER TABLE effects ADD COLUMN rank smallint NOT NULL DEFAULT 0;
DROP INDEX effects_due;
CREATE INDEX effects_due ON effects (effect, rank, due_at);
