-- Every run of every analysis, with the short form of what it measured.
CREATE TABLE {schema}.analyses (
    analysis_id      text COLLATE "C",
    run              integer,
    asset_id         text COLLATE "C",
    workspace_id     text COLLATE "C",
    reanalysis_id    text COLLATE "C",
    state            text,
    asked_at         timestamptz,
    ended_at         timestamptz,
    code             text,
    reason           text,
    analyser         text,
    analyser_version integer,
    report_sha256    text,
    measured         jsonb,
    PRIMARY KEY (analysis_id, run)
);
CREATE INDEX ON {schema}.analyses (asset_id, run);
CREATE INDEX ON {schema}.analyses (reanalysis_id, state) WHERE reanalysis_id IS NOT NULL;
