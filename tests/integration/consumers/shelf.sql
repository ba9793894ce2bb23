CREATE TABLE {schema}.shelf (
    asset_id    text COLLATE "C" PRIMARY KEY,
    filename    text,
    size_bytes  bigint,
    uploaded_at timestamptz,
    deleted     boolean,
    attempts    integer
);
