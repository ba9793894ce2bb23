-- Which lane of a worker moves this checkpoint; null: whoever brings the consumer up from the store. It is part of the
-- compare-and-swap, so of two that hold the same row for theirs one rolls back (docs/adr/0030).
ALTER TABLE checkpoints ADD COLUMN lane text COLLATE "C";

-- Ends the transaction where something does not hold, with this code: who sends many statements on need not wait for the
-- answer of each. NC001: a checkpoint has moved. NC002: a stream is parked. NC003: the store holds another event.
CREATE FUNCTION require(holds boolean, code text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'it does not hold' USING ERRCODE = code;
    END IF;
END $$;
