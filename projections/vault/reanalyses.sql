-- One row per measuring again of many recordings; how many are done is counted in analyses.
CREATE TABLE {schema}.reanalyses (
    reanalysis_id text COLLATE "C" PRIMARY KEY,
    workspace_id  text COLLATE "C",
    state         text,
    total         integer,
    passed_over   integer,
    analyser_version_below integer,
    started_at    timestamptz,
    finished_at   timestamptz
);
CREATE INDEX ON {schema}.reanalyses (workspace_id, reanalysis_id);
