-- Secrets and what else may change or vanish: never events. Passwords, sessions, keys, links, uploads, rate limits.

-- How an e-mail address finds its account; the address itself is only in encrypted events.
CREATE TABLE credentials_logins (
    account_id    text COLLATE "C" PRIMARY KEY,
    workspace_id  text COLLATE "C" NOT NULL,
    email_key     text COLLATE "C" NOT NULL UNIQUE,
    -- NULL: invited, has no password yet.
    password_hash text,
    operator      boolean     NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credentials_sessions (
    session_id text COLLATE "C" PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE,
    account_id text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX credentials_sessions_of_account ON credentials_sessions (account_id);
CREATE INDEX credentials_sessions_expiry ON credentials_sessions (expires_at);

CREATE TABLE credentials_keys (
    key_id       text COLLATE "C" PRIMARY KEY,
    key_hash     bytea       NOT NULL UNIQUE,
    account_id   text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    hint         text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX credentials_keys_of_account ON credentials_keys (account_id, key_id);

-- One-time sign-in links, 24 hours.
CREATE TABLE credentials_links (
    token_hash bytea PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- Resumable uploads. Their bytes are in the staging folder, whose file size is the offset.
CREATE TABLE uploads (
    upload_id    text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL,
    workspace_id text COLLATE "C" NOT NULL,
    filename     text        NOT NULL,
    metadata     text,
    size_bytes   bigint      NOT NULL CHECK (size_bytes > 0),
    expires_at   timestamptz NOT NULL,
    -- Known once all bytes are here; from then on the object store may hold them.
    sha256       text COLLATE "C",
    asset_id     text COLLATE "C",
    duplicate    boolean     NOT NULL DEFAULT false,
    -- Expired, and its bytes are deleted.
    cleared      boolean     NOT NULL DEFAULT false
);
CREATE INDEX uploads_expiry ON uploads (expires_at) WHERE NOT cleared;

-- Lost in a crash of the database, and that is fine.
CREATE UNLOGGED TABLE rate_limits (
    key     bytea PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);
