-- Accounts worth trusting: what else somebody proves themselves with. Secrets, so never events; all of it goes with the
-- login it belongs to (ON DELETE CASCADE), which is what an erasure deletes.

-- The browser's own words at sign-in, for the list of sessions.
ALTER TABLE credentials_sessions ADD COLUMN user_agent text NOT NULL DEFAULT '';

CREATE TABLE credentials_second_factors (
    account_id  text COLLATE "C" PRIMARY KEY REFERENCES credentials_logins ON DELETE CASCADE,
    -- AES-256-GCM under the key of the account's subject: destroyed with it, wrapped by the master key.
    sealed_seed bytea       NOT NULL,
    -- The time step of the code that was used last: neither it nor an older one counts again.
    last_step   bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- NULL: begun, no code was shown yet, so it is not asked for.
    enabled_at  timestamptz
);

CREATE TABLE credentials_recovery_codes (
    account_id text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    code_hash  bytea NOT NULL,
    PRIMARY KEY (account_id, code_hash)
);

CREATE TABLE credentials_passkeys (
    passkey_id    text COLLATE "C" PRIMARY KEY,
    account_id    text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    credential_id bytea       NOT NULL UNIQUE,
    public_key    bytea       NOT NULL,
    -- As the authenticator counts its uses; one that stands still may be a copy.
    sign_count    bigint      NOT NULL,
    name          text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz
);
CREATE INDEX credentials_passkeys_of_account ON credentials_passkeys (account_id);

-- What an authenticator is asked to sign, once, within minutes. account_id is NULL while nobody is known.
CREATE TABLE credentials_challenges (
    challenge  bytea PRIMARY KEY,
    account_id text COLLATE "C" REFERENCES credentials_logins ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX credentials_challenges_expiry ON credentials_challenges (expires_at);

-- Links of mails that set a new password, one hour; only the newest of an account.
CREATE TABLE credentials_resets (
    account_id text COLLATE "C" PRIMARY KEY REFERENCES credentials_logins ON DELETE CASCADE,
    token_hash bytea       NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);

-- Failed guesses in a row and until when the next one waits. Lost in a crash of the database, and that is fine.
CREATE UNLOGGED TABLE failed_attempts (
    key        bytea PRIMARY KEY,
    failures   integer     NOT NULL,
    waits_until timestamptz NOT NULL
) WITH (fillfactor = 50);
