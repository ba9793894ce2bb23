-- Columns are null until their own stream has said something: a row without workspace_id is either measured before
-- its upload was read, or deleted, and nobody sees it.
CREATE TABLE {schema}.vault (
    asset_id            text COLLATE "C" PRIMARY KEY,

    -- the asset's stream
    workspace_id        text COLLATE "C",
    version             bigint,
    file_state          text,
    uploaded_at         timestamptz,
    filename            text,
    sha256              text,
    size_bytes          bigint,
    rejection_code      text,
    rejection_reason    text,
    tag_title           text,
    tag_artist          text,
    tag_album           text,
    tag_year            integer,
    tag_genre           text,
    tag_track           integer,
    tag_tempo_bpm       double precision,
    tag_key             text,
    tag_isrc            text,
    duration_s          double precision,
    sample_rate_hz      integer,
    channels            integer,
    codec               text,
    bitrate_bps         bigint,
    truncated           boolean,
    cover_sha256        text,
    cover_size_bytes    bigint,
    cover_media_type    text,
    playable            boolean,
    rendition_sha256    text,
    rendition_size_bytes bigint,
    rendition_media_type text,

    -- the analysis' stream
    analysis_id         text,
    analysis_state      text,
    analysis_error_code text,
    analysis_error_reason text,
    measured_tempo_bpm  double precision,
    tempo_candidates    jsonb,
    measured_key        text,
    key_confidence      double precision,
    loudness_lufs       double precision,
    true_peak_dbtp      double precision,
    energy              double precision,
    analyser            text,
    analyser_version    integer,
    degraded            jsonb,
    peaks_sha256        text,

    -- what follows from both
    state text GENERATED ALWAYS AS (CASE
        WHEN file_state <> 'verified' THEN file_state
        WHEN analysis_state = 'completed' THEN 'analysed'
        WHEN analysis_state = 'failed' THEN 'analysis_failed'
        ELSE file_state END) STORED,
    effective_tempo_bpm double precision
        GENERATED ALWAYS AS (coalesce(tag_tempo_bpm, measured_tempo_bpm)) STORED,
    effective_key text GENERATED ALWAYS AS (coalesce(tag_key, measured_key)) STORED,
    genre_fold text COLLATE "C" GENERATED ALWAYS AS (public.search_fold(tag_genre)) STORED,
    title_sort text COLLATE "C"
        GENERATED ALWAYS AS (public.search_fold(coalesce(tag_title, filename))) STORED,
    search_text text GENERATED ALWAYS AS (public.search_fold(
        coalesce(tag_title, '') || ' ' || coalesce(tag_artist, '') || ' ' || coalesce(tag_album, '') || ' '
        || coalesce(tag_genre, '') || ' ' || coalesce(filename, ''))) STORED,
    search_vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('pg_catalog.simple', public.search_fold(coalesce(tag_title, ''))), 'A')
        || setweight(to_tsvector('pg_catalog.simple', public.search_fold(coalesce(tag_artist, ''))), 'B')
        || setweight(to_tsvector('pg_catalog.simple', public.search_fold(
               coalesce(tag_album, '') || ' ' || coalesce(tag_genre, ''))), 'C')
        || setweight(to_tsvector('pg_catalog.simple', public.search_fold(coalesce(filename, ''))), 'D')) STORED
);
CREATE INDEX ON {schema}.vault (workspace_id, uploaded_at, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, title_sort, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, effective_tempo_bpm, asset_id);
CREATE INDEX ON {schema}.vault USING gin (search_vector);
CREATE INDEX ON {schema}.vault USING gin (search_text public.gin_trgm_ops);
