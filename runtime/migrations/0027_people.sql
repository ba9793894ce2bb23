-- The mailed link by which somebody without an account asks to be forgotten: the newest one alone works, once. A party is
-- no login, so nothing deletes the row for it but the erasure.
CREATE TABLE credentials_erasure_links (
    party_id   text COLLATE "C" PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);
