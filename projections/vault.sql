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
    -- where the file lay in the folder that was chosen
    path                text,
    sha256              text,
    size_bytes          bigint,
    -- of the file as it was uploaded, where tags were written into a newer version of it
    original_sha256     text,
    original_size_bytes bigint,
    rejection_code      text,
    rejection_reason    text,
    -- what the file says; the columns behind it are what is said now, by the musician or by the file
    file_tags           jsonb,
    tag_title           text,
    tag_artist          text,
    tag_album           text,
    tag_year            integer,
    tag_genre           text,
    tag_track           integer,
    tag_tempo_bpm       double precision,
    tag_key             text,
    tag_isrc            text,
    tag_album_artist    text,
    tag_disc            integer,
    tag_composer        text,
    tag_label           text,
    tag_copyright       text,
    tag_comment         text,
    tag_energy          double precision,
    tag_danceability    double precision,
    tag_valence         double precision,
    tag_instruments     jsonb,
    -- each value where there are several
    tag_artists         jsonb,
    tag_genres          jsonb,
    -- true where the musician said it, whatever the file says
    own_tempo_bpm       boolean,
    own_key             boolean,
    own_genre           boolean,
    duration_s          double precision,
    sample_rate_hz      integer,
    channels            integer,
    codec               text,
    bitrate_bps         bigint,
    truncated           boolean,
    bit_depth           integer,
    encoder             text,
    replay_gain_track_db double precision,
    replay_gain_album_db double precision,
    pictures            jsonb,
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
    -- the run that the measurements are of; the newest that was asked for, and that was given up
    analysis_run        integer,
    analysis_asked      integer,
    analysis_failed     integer,
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
    report_sha256       text,
    key_candidates      jsonb,
    loudness_range_lu   double precision,
    danceability        double precision,
    valence             double precision,
    genres              jsonb,
    instruments         jsonb,
    vocals              double precision,
    speech              double precision,
    moods               jsonb,
    quality_score       double precision,
    defects             jsonb,
    appeal_score        double precision,

    -- what follows from both
    state text GENERATED ALWAYS AS (CASE
        WHEN file_state <> 'verified' THEN file_state
        WHEN analysis_state = 'completed' THEN 'analysed'
        WHEN analysis_state = 'failed' THEN 'analysis_failed'
        ELSE file_state END) STORED,
    effective_tempo_bpm double precision
        GENERATED ALWAYS AS (coalesce(tag_tempo_bpm, measured_tempo_bpm)) STORED,
    effective_key text GENERATED ALWAYS AS (coalesce(tag_key, measured_key)) STORED,
    effective_genre text GENERATED ALWAYS AS (coalesce(tag_genre, genres -> 0 ->> 'name')) STORED,
    effective_energy double precision GENERATED ALWAYS AS (coalesce(tag_energy, energy)) STORED,
    effective_danceability double precision
        GENERATED ALWAYS AS (coalesce(tag_danceability, danceability)) STORED,
    effective_valence double precision GENERATED ALWAYS AS (coalesce(tag_valence, valence)) STORED,
    -- names only, lower case
    effective_instruments jsonb GENERATED ALWAYS AS (coalesce(
        tag_instruments, jsonb_path_query_array(instruments, '$[*].name'))) STORED,
    genre_fold text COLLATE "C" GENERATED ALWAYS AS
        (public.search_fold(coalesce(tag_genre, genres -> 0 ->> 'name'))) STORED,
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
-- ids grow with time: the newest without a look at their dates
CREATE INDEX ON {schema}.vault (workspace_id, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, title_sort, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, effective_tempo_bpm, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, duration_s, asset_id);
-- what has no tempo or length comes last both ways, so one index cannot be read backwards for the other
CREATE INDEX ON {schema}.vault (workspace_id, effective_tempo_bpm DESC NULLS LAST, asset_id DESC);
CREATE INDEX ON {schema}.vault (workspace_id, duration_s DESC NULLS LAST, asset_id DESC);
CREATE INDEX ON {schema}.vault (workspace_id, effective_key, effective_tempo_bpm);
CREATE INDEX ON {schema}.vault (workspace_id, genre_fold);
CREATE INDEX ON {schema}.vault USING gin (effective_instruments);
CREATE INDEX ON {schema}.vault USING gin (search_vector);
CREATE INDEX ON {schema}.vault USING gin (search_text public.gin_trgm_ops);
