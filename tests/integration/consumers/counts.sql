CREATE TABLE {schema}.counts (
    owner     text COLLATE "C",
    part      text COLLATE "C",
    filename  text,
    uploads   bigint NOT NULL DEFAULT 0,
    megabytes numeric,
    attempts  integer,
    last_at   timestamptz,
    last_name text,
    PRIMARY KEY (owner, part)
);
