-- Nobody's names: an erasure's id is what its owner keeps.
CREATE TABLE {schema}.erasures (
    erasure_id        text COLLATE "C" PRIMARY KEY,
    requested_at      timestamptz,
    -- `account`, or `person` without one
    subject           text COLLATE "C",
    contents_deleted  boolean,
    -- where `erasure.key_destroyed` is: a consumer that is there has let go of the person
    erased_position   bigint,
    erased_at         timestamptz,
    certificate       jsonb,
    state text GENERATED ALWAYS AS (CASE
        WHEN certificate IS NOT NULL THEN 'erased'
        WHEN contents_deleted OR erased_position IS NOT NULL THEN 'erasing'
        ELSE 'requested' END) STORED
);
