-- No NOT NULL: operator rights are an upsert of their own.
CREATE TABLE {schema}.accounts (
    account_id    text COLLATE "C" PRIMARY KEY,
    workspace_id  text COLLATE "C",
    email         text,
    name          text,
    operator      boolean,
    registered_at timestamptz,
    -- whose key the personal columns were encrypted under: erasing that subject scrubs them
    subject_id    text COLLATE "C"
);
