-- Which lane of a worker moves this checkpoint; null: whoever brings the consumer up from the store. It is part of the
-- compare-and-swap, so of two that hold the same row for theirs one rolls back (docs/adr/0030).
ALTER TABLE checkpoints ADD COLUMN lane text COLLATE "C";
