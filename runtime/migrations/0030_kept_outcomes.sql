-- The answer to this work is kept, whatever happens meanwhile: an erasure does not drop it (docs/adr/0035).
ALTER TABLE effects ADD COLUMN kept boolean NOT NULL DEFAULT false;
