-- Uploads whose bytes go straight to the object store by a presigned address: what they were promised to be.
ALTER TABLE uploads ADD COLUMN promised_sha256 text COLLATE "C";
-- Every upload and every look at the vault asks what its workspace is uploading.
CREATE INDEX uploads_open ON uploads (workspace_id) INCLUDE (size_bytes, expires_at) WHERE asset_id IS NULL;
