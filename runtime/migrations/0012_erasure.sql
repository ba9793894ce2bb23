-- Erasing a subject leaves a tombstone: no wrapped key, and none can be made again for this subject.
ALTER TABLE subject_keys
    ALTER COLUMN wrapped_key DROP NOT NULL,
    -- which master key wrapped it: the first 16 hex digits of its SHA-256; NULL from before there were ids
    ADD COLUMN master_key_id text COLLATE "C",
    ADD COLUMN erased_at timestamptz,
    ADD CHECK (wrapped_key IS NULL OR erased_at IS NULL);
CREATE INDEX subject_keys_erased ON subject_keys (erased_at) WHERE erased_at IS NOT NULL;
-- A destroyed key should not lie around as a dead row until some more have gathered.
ALTER TABLE subject_keys SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0);

-- The master key that new keys are wrapped with; empty until the first one. Rotation changes the row first, so that
-- no process can still wrap with a key that is about to be deleted.
CREATE TABLE master_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key_id   text COLLATE "C" NOT NULL
);

-- Finding what a workspace holds without reading the log.
CREATE INDEX claims_of_workspace ON claims (scope, kind) WHERE scope <> '';
CREATE INDEX uploads_of_workspace ON uploads (workspace_id);
