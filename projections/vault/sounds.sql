-- Columns are null until their own stream has said something. A row without workspace_id is either measured before its
-- upload was read, or deleted, and nobody finds it.
CREATE TABLE {schema}.sounds (
    asset_id     text COLLATE "C" PRIMARY KEY,

    -- the asset's stream
    workspace_id text COLLATE "C",

    -- the analysis' stream: int8 components as half floats, which hold them exactly in half the bytes
    sound_model  text COLLATE "C",
    sound        public.halfvec(256),
    words_model  text COLLATE "C",
    words        public.halfvec(384),
    fingerprint_algorithm text COLLATE "C",
    fingerprint  text COLLATE "C",
    -- words of the fingerprint to look it up by
    terms        integer[]
);
CREATE INDEX ON {schema}.sounds (workspace_id, asset_id);
CREATE INDEX ON {schema}.sounds USING gin (terms);
CREATE INDEX sounds_by_sound ON {schema}.sounds USING hnsw (sound public.halfvec_cosine_ops)
    WHERE workspace_id IS NOT NULL;
CREATE INDEX sounds_by_words ON {schema}.sounds USING hnsw (words public.halfvec_cosine_ops)
    WHERE workspace_id IS NOT NULL;
