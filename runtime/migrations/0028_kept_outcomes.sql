-- The answer to this work is kept, whatever happens meanwhile: an erasure does not drop it (docs/adr/0035).
ALTER TABLE effects ADD COLUMN kept boolean NOT NULL DEFAULT false;
-- Whose money it moves: their erasure waits for the answer.
ALTER TABLE effects ADD COLUMN money_of text COLLATE "C";
CREATE INDEX effects_of_money ON effects (money_of) WHERE money_of IS NOT NULL;
