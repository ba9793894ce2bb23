-- Snapshots: where an aggregate's state was at one version of its stream, so that a load reads only what came after.
-- One per stream and aggregate module, replaced as the stream grows. Never the truth: a row is used only while the
-- event it stands on is still the one with this hash, and losing all of them costs time only.
CREATE TABLE snapshots (
    stream_id      text COLLATE "C" NOT NULL,
    module         text COLLATE "C" NOT NULL,
    shape          text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    position       bigint NOT NULL,
    hash           bytea  NOT NULL,
    tenant         text COLLATE "C" NOT NULL,
    -- whose key `state` is encrypted with; NULL when it holds nothing personal
    subject        text COLLATE "C",
    state          bytea  NOT NULL,
    mac            bytea  NOT NULL,
    PRIMARY KEY (stream_id, module)
);
-- Erasure deletes by workspace and by subject.
CREATE INDEX snapshots_of_tenant ON snapshots (tenant);
CREATE INDEX snapshots_of_subject ON snapshots (subject) WHERE subject IS NOT NULL;
