-- When whoever holds a session or key has last proven anew who they are: with a factor, and with all that the account
-- has. A session begins with such a proof, so it is born proven; those from before this migration and keys are not.
ALTER TABLE credentials_sessions ADD COLUMN proven_at timestamptz, ADD COLUMN fully_proven_at timestamptz;
ALTER TABLE credentials_sessions ALTER COLUMN proven_at SET DEFAULT now(), ALTER COLUMN fully_proven_at SET DEFAULT now();
ALTER TABLE credentials_keys ADD COLUMN proven_at timestamptz, ADD COLUMN fully_proven_at timestamptz;

-- What a challenge was given for: one that proves must not add a passkey.
ALTER TABLE credentials_challenges ADD COLUMN purpose text NOT NULL DEFAULT 'sign-in';

-- NULL: nobody has shown yet that mails to the address arrive at the account's owner.
ALTER TABLE credentials_logins ADD COLUMN verified_at timestamptz;

-- The code of the newest mail that asks for that, as an HMAC; a few wrong guesses spend it.
CREATE TABLE credentials_address_codes (
    account_id text COLLATE "C" PRIMARY KEY REFERENCES credentials_logins ON DELETE CASCADE,
    code_hash  bytea       NOT NULL,
    wrong      integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);

-- The secrets of a command with an Idempotency-Key, as a slow hash under the installation's key: its replay must hold
-- the same ones.
CREATE TABLE credentials_repeats (
    command_id  text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES credentials_logins ON DELETE CASCADE,
    secret_hash text NOT NULL
);
CREATE INDEX credentials_repeats_of_account ON credentials_repeats (account_id);
