-- How somebody signed in: for the list of sessions, and for what is open to two factors only. Empty: before this was kept.
ALTER TABLE credentials_sessions ADD COLUMN signed_in_by text COLLATE "C" NOT NULL DEFAULT '';

-- Made by an operator behind whom two factors stood. Only such a key operates where that is asked for.
ALTER TABLE credentials_keys ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
